using Contingious.Engine.Images;
using Contingious.Importer.Layers;

namespace Contingious.Importer.Oci;

/// <summary>An image that lies in a directory of this host: which one is meant, and its documents and layers, verified.</summary>
internal sealed class ImageLayout(BlobDirectory blobs, ImportLimits limits, bool mistakesCompression = false) : IDisposable
{
    private const int MaxIndexDepth = 3;

    /// <summary>Finds the manifest that a ref and a platform select; reads no more than the indexes on the way.</summary>
    /// <exception cref="InvalidImageException">There is no such image, or a document is not what it should be.</exception>
    public Descriptor Find(string? reference, Platform? platform)
    {
        var (candidates, where) = (blobs.Images(reference), blobs.Path);
        for (var depth = 0; ; depth++)
        {
            var chosen = PlatformChoice.Choose(candidates, platform, where);
            if (MediaTypes.IsManifest(chosen.MediaType)) return chosen;
            if (!MediaTypes.IsIndex(chosen.MediaType)) throw new InvalidImageException($"{where} points to the media type '{chosen.MediaType}', which is neither an image nor an index.");
            if (depth >= MaxIndexDepth) throw new InvalidImageException($"Image indexes are nested deeper than {MaxIndexDepth}.");
            where = $"The index {chosen.Digest}";
            candidates = DocumentReader.Entries(DocumentReader.Parse(blobs.ReadDocument(chosen, "index"), "index", OciJson.Default.ImageIndex), where);
        }
    }

    /// <summary>Reads the manifest and the config that a ref and a platform (this host's, where none is asked for) select.</summary>
    /// <exception cref="InvalidImageException">There is no such image, or a document is not what it should be.</exception>
    public ResolvedImage Resolve(string? reference, Platform? platform)
    {
        var descriptor = Find(reference, platform);
        var (configDescriptor, layers) = DocumentReader.Manifest(blobs.ReadDocument(descriptor, "manifest"), descriptor, limits);
        var config = DocumentReader.Parse(blobs.ReadDocument(configDescriptor, "config"), "config", OciJson.Default.ConfigDocument);
        var diffIds = config.Rootfs?.DiffIds ?? [];
        if (diffIds.Count != layers.Count) throw new InvalidImageException($"The manifest has {layers.Count} layers, the config {diffIds.Count} diff ids.");
        var image = new ResolvedImage(descriptor.Digest, configDescriptor.Digest, config, [.. layers.Zip(diffIds, (layer, diffId) => new ResolvedLayer(layer, CompressionOf(layer), diffId))]);
        if (platform is not null && !platform.Runs(image.Platform)) throw new InvalidImageException($"The image {descriptor.Digest} is for {image.Platform}, and {platform} is asked for.");
        return image;
    }

    /// <summary>Opens a blob; what is read is verified against the descriptor.</summary>
    public VerifiedStream OpenBlob(Descriptor descriptor, string what) => blobs.OpenBlob(descriptor, what);

    public void Dispose() => blobs.Dispose();

    private LayerCompression CompressionOf(Descriptor layer)
    {
        var said = MediaTypes.CompressionOf(layer.MediaType);
        if (!mistakesCompression) return said;
        using var blob = blobs.OpenBlob(layer, "layer");
        var head = new byte[Decompression.LongestMagic];
        return Decompression.Sniff(head.AsSpan(0, blob.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
    }
}

/// <summary>An image of a layout, all documents read and verified.</summary>
internal sealed record ResolvedImage(Digest Digest, Digest ConfigDigest, ConfigDocument Config, IReadOnlyList<ResolvedLayer> Layers)
{
    public Platform Platform => new() { Os = Config.Os, Architecture = Config.Architecture, Variant = Config.Variant };

    public bool IsForThisHost => Platform.Host.Runs(Platform);
}

/// <param name="Blob">The layer as stored.</param>
/// <param name="Compression">How it is packed.</param>
/// <param name="DiffId">The digest of its unpacked tar.</param>
internal sealed record ResolvedLayer(Descriptor Blob, LayerCompression Compression, Digest DiffId);
