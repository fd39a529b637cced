namespace Contingious.Importer.Oci;

/// <summary>How a layer's tar is packed.</summary>
internal enum LayerCompression
{
    None,
    Gzip,
    Zstd,

    /// <summary>Not of any layer: archives of a rootfs come so.</summary>
    Xz,
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

    /// <summary>How a layer of this media type is packed. zstd is OCI's, but some registries have it under Docker's name too.</summary>
    /// <exception cref="InvalidImageException">The layer is of a kind that is not read here; the message says which, and what to do.</exception>
    public static LayerCompression CompressionOf(string type)
    {
        if (type.Contains("nondistributable", StringComparison.Ordinal) || type.Contains(".foreign.", StringComparison.Ordinal))
        {
            throw new InvalidImageException(
                $"A layer is nondistributable ('{type}'): registries do not hand such layers on, so what is in it cannot be had from them. "
                + "Copy the image from where it was built, with its layers pushed as ordinary ones (dockerd's allow-nondistributable-artifacts, or buildah push), and import the copy.");
        }

        if (type.Contains("+encrypted", StringComparison.Ordinal))
        {
            throw new InvalidImageException($"A layer is encrypted ('{type}'), and keys are not kept here. 'skopeo copy --decryption-key KEY SOURCE oci:DIR' makes a plain copy that can be imported.");
        }

        return type switch
        {
            "application/vnd.oci.image.layer.v1.tar" or "application/vnd.docker.image.rootfs.diff.tar" => LayerCompression.None,
            "application/vnd.oci.image.layer.v1.tar+gzip" or "application/vnd.docker.image.rootfs.diff.tar.gzip" => LayerCompression.Gzip,
            "application/vnd.oci.image.layer.v1.tar+zstd" or "application/vnd.docker.image.rootfs.diff.tar.zstd"
                or "application/vnd.docker.image.rootfs.diff.tar+zstd" => LayerCompression.Zstd,
            _ => throw new InvalidImageException($"A layer has the media type '{type}', which is not a tar layer of OCI or Docker. 'skopeo copy --format oci SOURCE oci:DIR' makes a copy of a container image that can be imported."),
        };
    }
}
