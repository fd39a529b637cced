using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Oci;

/// <summary>
/// A directory of blobs and of a document that leads to them. Nothing in it is trusted: files are opened below it without following symlinks
/// and must be regular, documents are capped, every blob is verified as it is read.
/// </summary>
internal abstract class BlobDirectory(string path, ImportLimits limits) : IDisposable
{
    private readonly DirectoryHandle directory = DirectoryHandle.Open(path);

    /// <summary>For messages.</summary>
    public string Path => path;

    /// <summary>The images that a ref names, or all of them.</summary>
    /// <exception cref="InvalidImageException">The directory is not what it should be, or has no such ref.</exception>
    public abstract IReadOnlyList<Descriptor> Images(string? reference);

    /// <summary>Opens a blob; what is read is verified against the descriptor.</summary>
    public VerifiedStream OpenBlob(Descriptor descriptor, string what) => new(OpenRegular(FileOf(descriptor)), what, descriptor.Digest, descriptor.Size);

    /// <summary>Reads and verifies a manifest, an index or a config.</summary>
    public byte[] ReadDocument(Descriptor descriptor, string what)
    {
        if (descriptor.Size < 0 || descriptor.Size > limits.Document.Bytes) throw new InvalidImageException($"The {what} {descriptor.Digest} has {descriptor.Size} bytes; {limits.Document} are allowed.");
        using var blob = OpenBlob(descriptor, what);
        var content = new byte[descriptor.Size];
        if (blob.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) == content.Length) blob.ReadToEnd();
        return content;
    }

    public void Dispose() => directory.Dispose();

    /// <summary>Where a blob lies, relative to the directory.</summary>
    protected abstract string FileOf(Descriptor descriptor);

    /// <summary>Reads a file that no digest vouches for.</summary>
    protected byte[] ReadSmall(string name)
    {
        using var file = OpenRegular(name);
        if (file.Length > limits.Document.Bytes) throw new InvalidImageException($"{path}/{name} has {file.Length} bytes; {limits.Document} are allowed.");
        var content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    private FileStream OpenRegular(string name)
    {
        var handle = directory.OpenRead(System.Text.Encoding.UTF8.GetBytes(name));
        if (DirectoryHandle.StatusOf(handle).Kind == FileKind.Regular) return new FileStream(handle, FileAccess.Read, bufferSize: 0);
        handle.Dispose();
        throw new InvalidImageException($"{path}/{name} is not a regular file.");
    }
}

/// <summary>An OCI image layout: <c>oci-layout</c>, <c>index.json</c> and <c>blobs/sha256/HEX</c> (OCI image-spec, image-layout.md).</summary>
internal sealed class LayoutDirectory(string path, ImportLimits limits) : BlobDirectory(path, limits)
{
    private const string RefName = "org.opencontainers.image.ref.name";
    private const int Listed = 8;

    public override IReadOnlyList<Descriptor> Images(string? reference)
    {
        var marker = DocumentReader.Parse(ReadSmall("oci-layout"), "oci-layout", OciJson.Default.LayoutMarker);
        if (marker.ImageLayoutVersion != "1.0.0") throw new InvalidImageException($"{Path}/oci-layout has version '{marker.ImageLayoutVersion}'; 1.0.0 is read here.");
        var all = DocumentReader.Entries(DocumentReader.Parse(ReadSmall("index.json"), "index.json", OciJson.Default.ImageIndex), "index.json");
        if (reference is null) return all;
        IReadOnlyList<Descriptor> named = [.. all.Where(entry => entry.Annotations?.GetValueOrDefault(RefName) == reference)];
        return named.Count > 0 ? named : throw new InvalidImageException($"The layout {Path} has no image with the ref '{reference}'. It has: {Refs(all)}.");
    }

    protected override string FileOf(Descriptor descriptor) => $"blobs/sha256/{descriptor.Digest.Hex}";

    private static string Refs(IReadOnlyList<Descriptor> all) =>
        string.Join(", ", all.Select(entry => entry.Annotations?.GetValueOrDefault(RefName) ?? entry.Digest.ToString()).Take(Listed)) + (all.Count > Listed ? $" and {all.Count - Listed} more" : "");
}

/// <summary>
/// A directory of containers-transports(5)'s <c>dir:</c>: <c>version</c>, <c>manifest.json</c> just as the registry had it, and blobs named by
/// the digits of their digest. Where the manifest is an index, those of its images are <c>HEX.manifest.json</c>.
/// </summary>
internal sealed class TransportDirectory(string path, ImportLimits limits) : BlobDirectory(path, limits)
{
    private const string Root = "manifest.json";

    private Descriptor? root;

    public override IReadOnlyList<Descriptor> Images(string? reference)
    {
        var version = System.Text.Encoding.UTF8.GetString(ReadSmall("version")).TrimEnd();
        if (version != "Directory Transport Version: 1.1") throw new InvalidImageException($"{Path}/version says '{(version.Length > 80 ? "…" : version)}'; 'Directory Transport Version: 1.1' is read here.");
        root = DocumentReader.Describe(ReadSmall(Root), Root);
        return [root];
    }

    protected override string FileOf(Descriptor descriptor)
    {
        if (descriptor.Digest == root?.Digest) return Root;
        return MediaTypes.IsManifest(descriptor.MediaType) || MediaTypes.IsIndex(descriptor.MediaType) ? $"{descriptor.Digest.Hex}.manifest.json" : descriptor.Digest.Hex;
    }
}
