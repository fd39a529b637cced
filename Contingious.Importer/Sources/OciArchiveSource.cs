using System.Text;
using Contingious.Engine.Linux;
using Contingious.Importer.Layers;

namespace Contingious.Importer.Sources;

/// <summary>
/// <c>oci-archive:FILE[:REF]</c>: an OCI image layout in a tar archive. Of it only the files that a layout has are taken, by names that are made here; whatever else it
/// holds, and whatever its links point to, is read over.
/// </summary>
internal sealed class OciArchiveSource(string file, string? reference) : ImageSource
{
    private const int HexLength = 64;
    private const uint OwnerOnly = 0x180; // 0600

    public static OciArchiveSource Parse(string text)
    {
        var (path, reference) = DirectorySource.SplitReference(text);
        return new OciArchiveSource(path, reference);
    }

    public override async Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        context.Progress?.Report($"reading the archive {file}");
        return await Task.Run(() => Take(context, cancellation), cancellation).ConfigureAwait(false);
    }

    private FetchedImage Take(FetchContext context, CancellationToken cancellation)
    {
        var layout = context.Staging.PathOf("layout");
        Directory.CreateDirectory(Path.Combine(layout, "blobs", "sha256"));
        using var directory = DirectoryHandle.Open(layout);
        using var archive = SourceFile.Open(file);
        var compression = Decompression.Sniff(archive, out var whole);
        using var source = whole;
        using var tar = Decompression.Open(source, compression, $"archive {file}");
        using var buffered = new BufferedStream(tar, 256 << 10);
        var reader = new TarReader(buffered, context.Limits.TarHeader);
        var (entries, total) = (0, 0L);
        while (reader.Next() is { } entry)
        {
            cancellation.ThrowIfCancellationRequested();
            if (++entries > context.Limits.Entries) throw new InvalidImageException($"The archive {file} has more than {context.Limits.Entries} entries.");
            // What is read over is unpacked too.
            total += entry.Size;
            if (total > context.Limits.Unpacked.Bytes) throw new InvalidImageException($"The layout in {file} has more than {context.Limits.Unpacked}.");
            if (archive.CanSeek && total > context.Limits.RatioGrace.Bytes && total / context.Limits.CompressionRatio > archive.Length) throw new InvalidImageException($"The archive {file} unpacks to more than {context.Limits.CompressionRatio} times its size: a decompression bomb.");
            if (entry.Kind != TarEntryKind.File || entry.Sparse is not null || NameOf(entry) is not { } name) continue;
            Copy(reader, directory, name, cancellation);
        }

        if (entries == 0 || !File.Exists(Path.Combine(layout, "oci-layout"))) throw new InvalidImageException($"{file} is not an archive of an OCI image layout: it has no file oci-layout. What 'docker save' writes is docker-archive:FILE, a root is rootfs-tar:FILE.");
        return new FetchedImage(layout, ImageForm.Layout, reference);
    }

    private void Copy(TarReader reader, DirectoryHandle directory, string name, CancellationToken cancellation)
    {
        if (File.Exists(Path.Combine(directory.Path, name))) throw new InvalidImageException($"The archive {file} has {name} twice.");
        using var copy = new FileStream(directory.CreateFile(Encoding.ASCII.GetBytes(name), OwnerOnly), FileAccess.Write, bufferSize: 0);
        var buffer = new byte[128 << 10];
        int count;
        while ((count = reader.Read(buffer)) > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            copy.Write(buffer, 0, count);
        }
    }

    /// <summary>The name in the layout that an entry is; nothing where it is none.</summary>
    private static string? NameOf(TarEntry entry)
    {
        const string blobs = "blobs/sha256/";
        var name = Encoding.Latin1.GetString(entry.Name);
        if (name.StartsWith("./", StringComparison.Ordinal)) name = name[2..];
        if (name is "oci-layout" or "index.json") return name;
        return name.Length == blobs.Length + HexLength && name.StartsWith(blobs, StringComparison.Ordinal) && name[blobs.Length..].All(char.IsAsciiHexDigitLower) ? name : null;
    }
}
