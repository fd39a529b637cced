using System.Text;
using Contingious.Engine.Images;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>Writes an OCI image layout of one image. Nothing in it tells of the time: equal content has an equal digest.</summary>
internal sealed class LayoutWriter
{
    public const string Reference = "latest";

    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";

    private readonly string directory;

    public LayoutWriter(string directory)
    {
        this.directory = directory;
        Directory.CreateDirectory(Blobs);
    }

    /// <summary>A name on the same file system for a layer that is being written.</summary>
    public string UnfinishedLayer => Path.Combine(directory, "layer");

    private string Blobs => Path.Combine(directory, "blobs", "sha256");

    /// <summary>Makes what was written to <see cref="UnfinishedLayer"/>, a plain tar, the only layer of the image.</summary>
    public FetchedImage Finish(Digest layer, long size, Platform platform)
    {
        File.Move(UnfinishedLayer, Path.Combine(Blobs, layer.Hex));
        // Platforms and digests have no letter that JSON escapes.
        var variant = string.IsNullOrEmpty(platform.Variant) ? "" : $"\"variant\":\"{platform.Variant}\",";
        var config = Blob(ConfigType, $$$"""{"architecture":"{{{platform.Architecture}}}","os":"{{{platform.Os}}}",{{{variant}}}"config":{},"rootfs":{"type":"layers","diff_ids":["{{{layer}}}"]}}""");
        var blob = Descriptor(LayerType, layer, size);
        var manifest = Blob(ManifestType, $$"""{"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{{config}},"layers":[{{blob}}]}""");
        var named = $$$"""{{{manifest[..^1]}}},"annotations":{"org.opencontainers.image.ref.name":"{{{Reference}}}"}}""";
        Write("index.json", $$"""{"schemaVersion":2,"manifests":[{{named}}]}""");
        Write("oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
        return new FetchedImage(directory, ImageForm.Layout, Reference);
    }

    private string Blob(string mediaType, string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        var digest = Digest.Of(bytes);
        File.WriteAllBytes(Path.Combine(Blobs, digest.Hex), bytes);
        return Descriptor(mediaType, digest, bytes.Length);
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(directory, name), content);

    private static string Descriptor(string mediaType, Digest digest, long size) => $$"""{"mediaType":"{{mediaType}}","digest":"{{digest}}","size":{{size}}}""";
}
