using System.Security.Cryptography;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images.Trees;

/// <summary>
/// <c>image.mtree</c>: what both trees of an image held when it was imported, entry by entry with a hash of every file, so that it can be told
/// later whether they still do. mtree(5)'s format: <c>bsdtar -tvf image.mtree</c> shows it.
/// </summary>
public sealed record TreeListing
{
    public const string Name = "image.mtree";

    private const long Page = 4096;
    private const int BufferSize = 64 << 10;

    /// <summary>The digest of the listing.</summary>
    public Digest Digest { get; private init; }

    /// <summary>The lengths of all regular files.</summary>
    public long TotalBytes { get; private init; }

    /// <summary>Regular files of the editable tree, each rounded up to a page of 4 KiB, as a tmpfs or ext4 stores them.</summary>
    public long EditableBytes { get; private init; }

    /// <summary>Every entry of the editable tree: files, directories, links; its root too.</summary>
    public long EditableFiles { get; private init; }

    /// <summary>Walks the trees of a staged image once, hashes their files on all cores, and writes the listing beside them.</summary>
    /// <param name="imageDirectory">Holds <see cref="ImageStore.EditableName"/> and <see cref="ImageStore.ReadOnlyName"/>.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task<TreeListing> WriteAsync(string imageDirectory, CancellationToken cancellation)
    {
        using var directory = DirectoryHandle.Open(imageDirectory);
        var listing = new TreeListing();
        using var hash = SHA256.Create();
        using (var file = new FileStream(directory.CreateFile("image.mtree"u8, 0x1A4 /* 0644 */), FileAccess.Write, bufferSize: 0))
        using (var hashed = new CryptoStream(file, hash, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, BufferSize))
        {
            var writer = new MtreeWriter(buffered);
            writer.WriteHeader();
            await foreach (var entry in EntriesAsync(directory, cancellation).ConfigureAwait(false))
            {
                writer.Write(entry);
                listing = listing.With(entry);
            }
        }

        return listing with { Digest = Digest.FromHash(hash.Hash ?? throw new InvalidOperationException("The listing was not hashed to its end.")) };
    }

    /// <summary>The entries of both trees as they are now.</summary>
    internal static IAsyncEnumerable<MtreeEntry> EntriesAsync(DirectoryHandle directory, CancellationToken cancellation) =>
        FileHash.EntriesAsync(TreeWalk.Of(directory, ImageStore.ReadOnlyName).Concat(TreeWalk.Of(directory, ImageStore.EditableName)), cancellation);

    private TreeListing With(MtreeEntry entry)
    {
        var isEditable = TreeNameOf(entry.Path).SequenceEqual("rootfs"u8);
        var size = entry.Size ?? 0;
        return this with
        {
            TotalBytes = TotalBytes + size,
            EditableBytes = EditableBytes + (isEditable ? (size + Page - 1) / Page * Page : 0),
            EditableFiles = EditableFiles + (isEditable ? 1 : 0),
        };
    }

    private static ReadOnlySpan<byte> TreeNameOf(byte[] path) => path.AsSpan().IndexOf((byte)'/') is var slash and >= 0 ? path.AsSpan(0, slash) : path;
}
