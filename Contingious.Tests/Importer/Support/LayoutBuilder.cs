using System.IO.Compression;
using System.Text;
using Contingious.Engine.Images;

namespace Contingious.Tests.Importer.Support;

/// <summary>Writes an OCI image layout; every document can be replaced by a lie.</summary>
internal sealed class LayoutBuilder(string directory)
{
    public const string GzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string PlainLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    public const string ConfigType = "application/vnd.oci.image.config.v1+json";

    private readonly List<string> layers = [];
    private readonly List<Digest> diffIds = [];

    public string Config { get; set; } = """{"Cmd":["echo","hi"]}""";

    public string IndexMediaType { get; set; } = ManifestType;

    public string ExtraInManifest { get; set; } = "";

    public string? IndexDigest { get; set; }

    /// <summary>What the config says that it is for.</summary>
    public string Platform { get; set; } = "\"architecture\":\"amd64\",\"os\":\"linux\"";

    public LayoutBuilder Layer(byte[] tar, string mediaType = GzipLayer, Digest? diffId = null, long? size = null)
    {
        var blob = mediaType.EndsWith("gzip", StringComparison.Ordinal) ? Gzip(tar) : tar;
        layers.Add(Descriptor(mediaType, Blob(blob), size ?? blob.Length));
        diffIds.Add(diffId ?? Digest.Of(tar));
        return this;
    }

    /// <summary>A layer that is packed already.</summary>
    public LayoutBuilder Blob(byte[] packed, string mediaType, Digest diffId, long? size = null)
    {
        layers.Add(Descriptor(mediaType, Blob(packed), size ?? packed.Length));
        diffIds.Add(diffId);
        return this;
    }

    /// <summary>Writes the documents; the digest is the manifest's.</summary>
    public Digest Build(string reference = "latest")
    {
        var config = Bytes($$$"""{{{{Platform}}},"config":{{{Config}}},"rootfs":{"type":"layers","diff_ids":[{{{string.Join(',', diffIds.Select(id => $"\"{id}\""))}}}]}}""");
        var manifest = Bytes($$"""{"schemaVersion":2,"mediaType":"{{ManifestType}}",{{ExtraInManifest}}"config":{{Descriptor(ConfigType, Blob(config), config.Length)}},"layers":[{{string.Join(',', layers)}}]}""");
        var digest = Blob(manifest);
        File.WriteAllText(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllText(
            Path.Combine(directory, "index.json"),
            $$$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{{IndexMediaType}}}","digest":"{{{IndexDigest ?? digest.ToString()}}}","size":{{{manifest.Length}}},"annotations":{"org.opencontainers.image.ref.name":"{{{reference}}}"}}]}""");
        return digest;
    }

    /// <summary>Writes an index of images that were built before, and lets the layout have that only; the digest is the index's.</summary>
    /// <param name="entries">What stands behind <c>"platform":</c> of each (nothing where it is empty), and the image.</param>
    public Digest BuildIndex(params (string Platform, Digest Image)[] entries)
    {
        var described = entries.Select(entry =>
        {
            var descriptor = Descriptor(ManifestType, entry.Image, new FileInfo(PathOf(entry.Image)).Length);
            return entry.Platform.Length == 0 ? descriptor : descriptor[..^1] + $",\"platform\":{entry.Platform}}}";
        });
        var index = Bytes($$"""{"schemaVersion":2,"mediaType":"{{IndexType}}","manifests":[{{string.Join(',', described)}}]}""");
        var digest = Blob(index);
        var named = $$$"""{{{Descriptor(IndexType, digest, index.Length)[..^1]}}},"annotations":{"org.opencontainers.image.ref.name":"latest"}}""";
        File.WriteAllText(Path.Combine(directory, "index.json"), $$"""{"schemaVersion":2,"manifests":[{{named}}]}""");
        return digest;
    }

    /// <summary>Forgets the layers, for another image in the same layout.</summary>
    public LayoutBuilder Another()
    {
        layers.Clear();
        diffIds.Clear();
        return this;
    }

    public string PathOf(Digest digest) => Path.Combine(directory, "blobs", "sha256", digest.Hex);

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(content);
        return packed.ToArray();
    }

    private Digest Blob(byte[] content)
    {
        var digest = Digest.Of(content);
        Directory.CreateDirectory(Path.Combine(directory, "blobs", "sha256"));
        File.WriteAllBytes(PathOf(digest), content);
        return digest;
    }

    private static string Descriptor(string mediaType, Digest digest, long size) => $$"""{"mediaType":"{{mediaType}}","digest":"{{digest}}","size":{{size}}}""";

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
