using Contingious.Engine.Images;

namespace Contingious.Importer.Sources;

/// <summary><c>oci:DIR[:REF]</c> and <c>dir:DIR</c>: an image on this host, read where it is: nothing is copied, so there is nothing to be identified before.</summary>
internal sealed class DirectorySource(FetchedImage image, string marker) : ImageSource
{
    /// <remarks>As containers/image does: the directory ends at the first colon.</remarks>
    public static DirectorySource Layout(string text)
    {
        var (directory, reference) = SplitReference(text);
        return new DirectorySource(new FetchedImage(directory, ImageForm.Layout, reference), "oci-layout");
    }

    public static DirectorySource Transport(string text) => new(new FetchedImage(Path.GetFullPath(text), ImageForm.Transport), "version");

    public override Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        RequireMarker();
        return Task.FromResult(image);
    }

    /// <summary>Splits <c>PATH[:REF]</c>.</summary>
    public static (string Path, string? Reference) SplitReference(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (Path.GetFullPath(text), null) : (Path.GetFullPath(text[..colon]), text[(colon + 1)..]);
    }

    private void RequireMarker()
    {
        if (File.Exists(Path.Combine(image.Directory, marker))) return;
        var kind = image.Form == ImageForm.Layout ? "an OCI image layout" : "a directory that 'skopeo copy … dir:DIR' makes";
        var why = Directory.Exists(image.Directory) ? $"it has no file {marker} that this account can read" : "there is no such directory, or this account cannot reach it";
        throw new InvalidImageException($"{image.Directory} is not {kind}: {why}.");
    }
}
