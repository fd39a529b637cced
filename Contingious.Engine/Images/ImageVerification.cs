using Contingious.Engine.Images.Trees;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>Something in an image that is not as it was imported.</summary>
/// <param name="Path">Which entry, for people; the image's own files where it is one of these.</param>
/// <param name="What">What is otherwise, such as <c>missing</c> or <c>mode 0644 instead of 0600</c>.</param>
public sealed record ImageDifference(string Path, string What);

/// <summary>What an image was found to be, compared with what was imported.</summary>
public sealed record ImageVerification
{
    /// <summary>So many differences are told one by one.</summary>
    public const int MostTold = 20;

    /// <summary>Entries that were looked at.</summary>
    public long Entries { get; private init; }

    /// <summary>Bytes that were read and hashed.</summary>
    public long Bytes { get; private init; }

    /// <summary>How many differences there are.</summary>
    public long Count { get; private init; }

    /// <summary>The first <see cref="MostTold"/> of them.</summary>
    public IReadOnlyList<ImageDifference> Differences { get; private init; } = [];

    public bool IsIntact => Count == 0;

    /// <summary>Reads an image whole and compares every entry with the listing that the import made.</summary>
    /// <param name="image">The image, which is held.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task<ImageVerification> OfAsync(Image image, CancellationToken cancellation)
    {
        using var directory = DirectoryHandle.Open(Path.GetDirectoryName(image.EditableDirectory) ?? "/");
        var found = new ImageVerification();
        if (ImageFile.IdOf(image) != image.Id) found = found.With(ImageFile.Name, $"describes {ImageFile.IdOf(image)} and says that it is {image.Id}");
        if (directory.TryStatus("image.mtree"u8) is not { Kind: FileKind.Regular }) return found.With(TreeListing.Name, "missing: nothing can be compared");
        using var listing = new FileStream(directory.OpenRead("image.mtree"u8), FileAccess.Read, bufferSize: 0);
        if (await DigestOfAsync(listing, cancellation).ConfigureAwait(false) != image.Trees) return found.With(TreeListing.Name, "not what the import wrote: nothing can be compared");
        listing.Position = 0;
        var expected = new MtreeReader(listing);
        var next = expected.Read();
        await foreach (var entry in TreeListing.EntriesAsync(directory, cancellation).ConfigureAwait(false))
        {
            found = found with { Entries = found.Entries + 1, Bytes = found.Bytes + (entry.Size ?? 0) };
            while (next is not null && TreeWalk.Compare(next.Path, entry.Path) < 0)
            {
                found = found.With(NativePath.Display(next.Path), "missing");
                next = expected.Read();
            }

            if (next is null || TreeWalk.Compare(next.Path, entry.Path) > 0)
            {
                found = found.With(NativePath.Display(entry.Path), "was not there");
                continue;
            }

            foreach (var difference in next.DifferencesIn(entry)) found = found.With(NativePath.Display(entry.Path), difference);
            next = expected.Read();
        }

        for (; next is not null; next = expected.Read()) found = found.With(NativePath.Display(next.Path), "missing");
        return found;
    }

    private static async Task<Digest> DigestOfAsync(Stream content, CancellationToken cancellation) =>
        Digest.FromHash(await System.Security.Cryptography.SHA256.HashDataAsync(content, cancellation).ConfigureAwait(false));

    private ImageVerification With(string path, string what) =>
        this with { Count = Count + 1, Differences = Count < MostTold ? [.. Differences, new ImageDifference(path, what)] : Differences };
}
