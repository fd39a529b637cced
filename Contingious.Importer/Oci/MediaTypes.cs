namespace Contingious.Importer.Oci;

/// <summary>How a layer's tar is packed.</summary>
internal enum LayerCompression
{
    None,
    Gzip,
}

/// <summary>The media types that are read: OCI's and Docker's schema 2.</summary>
internal static class MediaTypes
{
    public static bool IsIndex(string type) => type is
        "application/vnd.oci.image.index.v1+json" or "application/vnd.docker.distribution.manifest.list.v2+json";

    public static bool IsManifest(string type) => type is
        "application/vnd.oci.image.manifest.v1+json" or "application/vnd.docker.distribution.manifest.v2+json";

    public static bool IsConfig(string type) => type is
        "application/vnd.oci.image.config.v1+json" or "application/vnd.docker.container.image.v1+json";

    /// <exception cref="InvalidImageException">The layer is of a kind that is not read here; the message says which.</exception>
    public static LayerCompression CompressionOf(string type) => type switch
    {
        "application/vnd.oci.image.layer.v1.tar" or "application/vnd.oci.image.layer.nondistributable.v1.tar"
            or "application/vnd.docker.image.rootfs.diff.tar" => LayerCompression.None,
        "application/vnd.oci.image.layer.v1.tar+gzip" or "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            or "application/vnd.docker.image.rootfs.diff.tar.gzip" or "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => LayerCompression.Gzip,
        "application/vnd.oci.image.layer.v1.tar+zstd" or "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            or "application/vnd.docker.image.rootfs.diff.tar.zstd" => throw new InvalidImageException(
                "A layer is compressed with zstd, which is not read here yet. 'skopeo copy --dest-compress-format gzip' makes a gzip copy that can be imported."),
        _ => throw new InvalidImageException($"A layer has the media type '{type}', which is not a tar layer of OCI or Docker."),
    };
}
