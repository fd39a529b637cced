using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Contingious.Engine.Images;

namespace Contingious.Importer.Oci;

/// <summary>Reads manifests and indexes, of OCI and of Docker's schema 2, and refuses what is neither or both.</summary>
internal static class DocumentReader
{
    private const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    private const string OciIndex = "application/vnd.oci.image.index.v1+json";

    /// <exception cref="InvalidImageException">It is not JSON of that shape.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> content, string what, JsonTypeInfo<T> type)
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

    /// <summary>Describes a document that comes without a descriptor, by what it says of itself.</summary>
    /// <exception cref="InvalidImageException">It is neither a manifest nor an index that is read here.</exception>
    public static Descriptor Describe(byte[] content, string what)
    {
        var document = Parse(content, what, OciJson.Default.Manifest);
        if (document.SchemaVersion == 1) throw new InvalidImageException($"The {what} is of Docker's schema 1, which is not read here. Push the image again with a tool of this decade.");
        // Only OCI allows a document not to say what it is.
        var type = document.MediaType ?? (document.Manifests is null ? OciManifest : OciIndex);
        return new Descriptor { MediaType = type, Digest = Digest.Of(content), Size = content.Length };
    }

    /// <summary>The entries of an index.</summary>
    public static IReadOnlyList<Descriptor> Entries(ImageIndex index, string where)
    {
        if (index.Layers is not null || index.Config is not null) throw new InvalidImageException("A document is an index and a manifest at once.");
        return index is { SchemaVersion: 2, Manifests.Count: > 0 } ? index.Manifests : throw new InvalidImageException($"{where} lacks schemaVersion 2 or names no manifests.");
    }

    /// <summary>Reads a manifest and looks at everything in it that can be judged without the blobs.</summary>
    /// <exception cref="InvalidImageException">It is not the manifest of a container image that is read here; says why.</exception>
    public static (Descriptor Config, IReadOnlyList<Descriptor> Layers) Manifest(byte[] content, Descriptor descriptor, ImportLimits limits)
    {
        var manifest = Parse(content, "manifest", OciJson.Default.Manifest);
        if (manifest.Manifests is not null) throw new InvalidImageException("A document is an index and a manifest at once.");
        if (manifest.MediaType is { } type && descriptor.MediaType.Length > 0 && type != descriptor.MediaType)
        {
            throw new InvalidImageException($"The manifest calls itself '{type}', its descriptor '{descriptor.MediaType}'.");
        }

        if (manifest.SchemaVersion != 2 || manifest.Config is not { } config || manifest.Layers is not { } layers) throw new InvalidImageException("The manifest lacks schemaVersion 2, config or layers.");
        if (!MediaTypes.IsConfig(config.MediaType)) throw new InvalidImageException($"The config has the media type '{config.MediaType}': this is not a container image.");
        if (layers.Count > limits.Layers) throw new InvalidImageException($"The image has {layers.Count} layers; {limits.Layers} are allowed.");
        foreach (var layer in layers) _ = MediaTypes.CompressionOf(layer.MediaType);
        if (layers.Any(layer => layer.Size < 0) || layers.Sum(layer => (decimal)layer.Size) > limits.Unpacked.Bytes)
        {
            throw new InvalidImageException($"The layers of the image have more than {limits.Unpacked} as they are stored, or less than nothing.");
        }

        return (config, layers);
    }
}
