using Contingious.Engine;

namespace Contingious.Importer.Sources;

/// <summary>A layout to read, and the ref in it.</summary>
internal sealed record FetchedLayout(string Directory, string? Reference);

/// <summary>Where an image comes from: brings it as an OCI image layout to a directory of this host.</summary>
internal abstract class ImageSource
{
    /// <summary>The forms that are understood, for messages.</summary>
    public const string Forms = "containerfile:DIR, oci:DIR[:ref], docker://…, oci-archive:FILE, docker-archive:FILE, dir:DIR, containers-storage:…";

    private static readonly string[] SkopeoTransports = ["docker://", "oci-archive:", "docker-archive:", "dir:", "containers-storage:", "docker-daemon:"];

    /// <summary>Brings the image; everything that is written on the way is below the staging directory.</summary>
    public abstract Task<FetchedLayout> FetchAsync(StagingArea staging, IProgress<string>? progress, CancellationToken cancellation);

    /// <exception cref="RejectedRequestException">It is none of <see cref="Forms"/>.</exception>
    public static ImageSource Parse(ImportRequest request)
    {
        var source = request.Source;
        if (After(source, "containerfile:") is { Length: > 0 } context) return new ContainerfileSource(context, request.HostFiles);
        if (request.HostFiles.Count > 0) throw new RejectedRequestException("hostFiles", "hostFiles need a source of the form containerfile:DIR.");
        if (After(source, "oci:") is { Length: > 0 } layout) return LayoutSource.Parse(layout);
        if (SkopeoTransports.Any(transport => source.StartsWith(transport, StringComparison.Ordinal))) return new SkopeoSource(source);
        throw new RejectedRequestException("source", $"'{source}' is not a source of images. Known are: {Forms}.");
    }

    private static string? After(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : null;
}
