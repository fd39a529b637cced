using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Oci;

/// <summary>
/// An OCI image layout: a directory of <c>oci-layout</c>, <c>index.json</c> and <c>blobs/sha256/HEX</c> (OCI image-spec, image-layout.md).
/// Nothing in it is trusted: files are opened without following symlinks, documents are capped, and every blob is verified as it is read.
/// </summary>
internal sealed class ImageLayout(string path, ImportLimits limits) : IDisposable
{
    private const string RefName = "org.opencontainers.image.ref.name";
    private const int MaxIndexDepth = 3;

    private readonly DirectoryHandle directory = DirectoryHandle.Open(path);

    /// <summary>As the image-spec writes it.</summary>
    public static string HostPlatform => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux/arm64" : "linux/amd64";

    /// <summary>Reads the manifest and the config that a ref (or, without one, this host's platform) selects.</summary>
    /// <exception cref="InvalidImageException">There is no such image, or a document is not what it should be.</exception>
    public ResolvedImage Resolve(string? reference)
    {
        var marker = Parse(ReadSmall("oci-layout"), "oci-layout", OciJson.Default.LayoutMarker);
        if (marker.ImageLayoutVersion != "1.0.0") throw new InvalidImageException($"{path}/oci-layout has version '{marker.ImageLayoutVersion}'; 1.0.0 is read here.");
        var index = Parse(ReadSmall("index.json"), "index.json", OciJson.Default.ImageIndex);
        var candidates = Manifests(index, "index.json");
        if (reference is not null)
        {
            candidates = [.. candidates.Where(entry => entry.Annotations?.GetValueOrDefault(RefName) == reference)];
            if (candidates.Count == 0) throw new InvalidImageException($"The layout {path} has no image with the ref '{reference}'. It has: {Refs(index)}.");
        }

        var manifestDescriptor = Select(candidates, "index.json", depth: 0);
        var manifest = Parse(ReadDocument(manifestDescriptor, "manifest"), "manifest", OciJson.Default.Manifest);
        if (manifest.Manifests is not null) throw new InvalidImageException("A document is an index and a manifest at once.");
        if (manifest.MediaType is { } type && manifestDescriptor.MediaType.Length > 0 && type != manifestDescriptor.MediaType)
        {
            throw new InvalidImageException($"The manifest calls itself '{type}', its descriptor '{manifestDescriptor.MediaType}'.");
        }

        if (manifest.SchemaVersion != 2 || manifest.Config is not { } configDescriptor || manifest.Layers is not { } layers) throw new InvalidImageException("The manifest lacks schemaVersion 2, config or layers.");
        if (!MediaTypes.IsConfig(configDescriptor.MediaType)) throw new InvalidImageException($"The config has the media type '{configDescriptor.MediaType}': this is not a container image.");
        if (layers.Count > limits.Layers) throw new InvalidImageException($"The image has {layers.Count} layers; {limits.Layers} are allowed.");
        var config = Parse(ReadDocument(configDescriptor, "config"), "config", OciJson.Default.ConfigDocument);
        var diffIds = config.Rootfs?.DiffIds ?? [];
        if (diffIds.Count != layers.Count) throw new InvalidImageException($"The manifest has {layers.Count} layers, the config {diffIds.Count} diff ids.");
        return new ResolvedImage(manifestDescriptor.Digest, config, [.. layers.Zip(diffIds, (layer, diffId) => new ResolvedLayer(layer, MediaTypes.CompressionOf(layer.MediaType), diffId))]);
    }

    /// <summary>Opens a blob; what is read is verified against the descriptor.</summary>
    public VerifiedStream OpenBlob(Descriptor descriptor, string what) =>
        new(OpenRegular($"blobs/sha256/{descriptor.Digest.Hex}"), what, descriptor.Digest, descriptor.Size);

    public void Dispose() => directory.Dispose();

    private Descriptor Select(IReadOnlyList<Descriptor> candidates, string where, int depth)
    {
        var chosen = candidates.Count == 1 ? candidates[0] : candidates.FirstOrDefault(IsOurs)
            ?? throw new InvalidImageException($"{where} has {candidates.Count} images and none of them is for {HostPlatform}. Choose one by its ref.");
        if (MediaTypes.IsManifest(chosen.MediaType)) return chosen;
        if (!MediaTypes.IsIndex(chosen.MediaType)) throw new InvalidImageException($"{where} points to the media type '{chosen.MediaType}', which is neither an image nor an index.");
        if (depth >= MaxIndexDepth) throw new InvalidImageException($"Image indexes are nested deeper than {MaxIndexDepth}.");
        var index = Parse(ReadDocument(chosen, "index"), "index", OciJson.Default.ImageIndex);
        return Select(Manifests(index, "the index"), $"The index {chosen.Digest}", depth + 1);
    }

    private static IReadOnlyList<Descriptor> Manifests(ImageIndex index, string where)
    {
        if (index.Layers is not null || index.Config is not null) throw new InvalidImageException("A document is an index and a manifest at once.");
        return index is { SchemaVersion: 2, Manifests.Count: > 0 } ? index.Manifests : throw new InvalidImageException($"{where} lacks schemaVersion 2 or names no manifests.");
    }

    private static bool IsOurs(Descriptor entry) => entry.Platform is { } platform && $"{platform.Os}/{platform.Architecture}" == HostPlatform;

    private static string Refs(ImageIndex index) =>
        string.Join(", ", (index.Manifests ?? []).Select(entry => entry.Annotations?.GetValueOrDefault(RefName) ?? entry.Digest.ToString()).Take(8));

    private byte[] ReadDocument(Descriptor descriptor, string what)
    {
        if (descriptor.Size < 0 || descriptor.Size > limits.Document.Bytes) throw new InvalidImageException($"The {what} {descriptor.Digest} has {descriptor.Size} bytes; {limits.Document} are allowed.");
        using var blob = OpenBlob(descriptor, what);
        var content = new byte[descriptor.Size];
        blob.ReadExactly(content);
        blob.ReadToEnd();
        return content;
    }

    private byte[] ReadSmall(string name)
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

    private static T Parse<T>(byte[] content, string what, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(content, type) ?? throw new InvalidImageException($"The {what} is empty.");
        }
        catch (JsonException error)
        {
            throw new InvalidImageException($"The {what} cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>An image of a layout, all documents read and verified.</summary>
internal sealed record ResolvedImage(Digest Digest, ConfigDocument Config, IReadOnlyList<ResolvedLayer> Layers)
{
    public string Platform => $"{Config.Os}/{Config.Architecture}";

    public bool IsForThisHost => Platform == ImageLayout.HostPlatform;
}

/// <param name="Blob">The layer as stored.</param>
/// <param name="Compression">How it is packed.</param>
/// <param name="DiffId">The digest of its unpacked tar.</param>
internal sealed record ResolvedLayer(Descriptor Blob, LayerCompression Compression, Digest DiffId);
