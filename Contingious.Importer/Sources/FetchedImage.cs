using Contingious.Engine.Images;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>How the blobs of an image lie in a directory.</summary>
internal enum ImageForm
{
    /// <summary>An OCI image layout.</summary>
    Layout,

    /// <summary>A directory of containers-transports(5)'s <c>dir:</c>.</summary>
    Transport,
}

/// <summary>A directory of this host with an image in it.</summary>
/// <param name="Directory">Where.</param>
/// <param name="Form">How its blobs lie.</param>
/// <param name="Reference">Which of its images, where there are several.</param>
/// <param name="Expected">The digest that the image must have, where it is known beforehand.</param>
/// <param name="MistakesCompression">Whether the manifest may call layers gzip that are plain, or the other way: then their first bytes tell.</param>
internal sealed record FetchedImage(string Directory, ImageForm Form, string? Reference = null, Digest? Expected = null, bool MistakesCompression = false)
{
    public ImageLayout Open(ImportLimits limits) => new(Form switch
    {
        ImageForm.Layout => new LayoutDirectory(Directory, limits),
        ImageForm.Transport => new TransportDirectory(Directory, limits),
        _ => throw new InvalidOperationException($"{Form} is no form of an image."),
    }, limits, MistakesCompression);

    /// <summary>Reads the documents of the image that was asked for.</summary>
    /// <exception cref="InvalidImageException">They are not what they should be, or those of another image.</exception>
    public ResolvedImage Resolve(ImageLayout layout, Platform? platform)
    {
        var image = layout.Resolve(Reference, platform);
        return Expected is { } digest && digest != image.Digest
            ? throw new InvalidImageException($"{Directory} holds the image {image.Digest}; {digest} was asked for.")
            : image;
    }
}
