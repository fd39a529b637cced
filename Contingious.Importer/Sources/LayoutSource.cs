namespace Contingious.Importer.Sources;

/// <summary><c>oci:DIR[:ref]</c>: a layout on this host, read where it is.</summary>
internal sealed class LayoutSource(string directory, string? reference) : ImageSource
{
    public static LayoutSource Parse(string text)
    {
        // As containers/image does: the directory ends at the first colon.
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new LayoutSource(Path.GetFullPath(text), null) : new LayoutSource(Path.GetFullPath(text[..colon]), text[(colon + 1)..]);
    }

    public override Task<FetchedLayout> FetchAsync(StagingArea staging, IProgress<string>? progress, CancellationToken cancellation) =>
        File.Exists(Path.Combine(directory, "oci-layout"))
            ? Task.FromResult(new FetchedLayout(directory, reference))
            : throw new InvalidImageException($"{directory} is not an OCI image layout: it has no file oci-layout.");
}
