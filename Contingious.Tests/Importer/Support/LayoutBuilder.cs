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
    public const string ConfigType = "application/vnd.oci.image.config.v1+json";

    private readonly List<string> layers = [];
    private readonly List<Digest> diffIds = [];

    public string Config { get; set; } = """{"Cmd":["echo","hi"]}""";

    public string IndexMediaType { get; set; } = ManifestType;

    public string ExtraInManifest { get; set; } = "";

    public string? IndexDigest { get; set; }

    public LayoutBuilder Layer(byte[] tar, string mediaType = GzipLayer, Digest? diffId = null, long? size = null)
    {
        var blob = mediaType.EndsWith("gzip", StringComparison.Ordinal) ? Gzip(tar) : tar;
        layers.Add(Descriptor(mediaType, Blob(blob), size ?? blob.Length));
        diffIds.Add(diffId ?? Digest.Of(tar));
        return this;
    }

    /// <summary>Writes the documents; the digest is the manifest's.</summary>
    public Digest Build(string reference = "latest")
    {
        var config = Bytes($$$"""{"architecture":"amd64","os":"linux","config":{{{Config}}},"rootfs":{"type":"layers","diff_ids":[{{{string.Join(',', diffIds.Select(id => $"\"{id}\""))}}}]}}""");
        var manifest = Bytes($$"""{"schemaVersion":2,"mediaType":"{{ManifestType}}",{{ExtraInManifest}}"config":{{Descriptor(ConfigType, Blob(config), config.Length)}},"layers":[{{string.Join(',', layers)}}]}""");
        var digest = Blob(manifest);
        File.WriteAllText(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllText(
            Path.Combine(directory, "index.json"),
            $$$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{{IndexMediaType}}}","digest":"{{{IndexDigest ?? digest.ToString()}}}","size":{{{manifest.Length}}},"annotations":{"org.opencontainers.image.ref.name":"{{{reference}}}"}}]}""");
        return digest;
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
