using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Importer.Sources;

/// <summary>Where an image comes from: whatever it is, an image in a directory of this host comes of it.</summary>
internal abstract class ImageSource
{
    /// <summary>The forms that are understood, for messages.</summary>
    public const string Forms =
        "docker://HOST/NAME[:TAG|@DIGEST], oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:DIR, containers-storage:NAME, buildah:CONTAINER, "
        + "docker-daemon:NAME, rootfs-tar:FILE (or rootfs-tar:- for standard input), containerfile:DIR, debian:SUITE[,PACKAGE…]";

    /// <summary>Tells which image it is where that is known without copying its layers, so that one that is here already need not be copied.</summary>
    /// <returns>The digest of the manifest for the platform; nothing where only <see cref="FetchAsync"/> can tell.</returns>
    public virtual Task<Digest?> IdentifyAsync(FetchContext context, CancellationToken cancellation) => Task.FromResult<Digest?>(null);

    /// <summary>Brings the image; everything that is written on the way is below the staging directory.</summary>
    public abstract Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation);

    private static readonly string[] Transports =
        ["docker", "oci", "dir", "oci-archive", "docker-archive", "docker-daemon", "containers-storage", "buildah", "rootfs-tar", "containerfile", "debian"];

    /// <summary>What stands in front of the colon, where it is one of those that are known.</summary>
    public static string? TransportOf(string source) => Array.Find(Transports, transport => source.StartsWith($"{transport}:", StringComparison.Ordinal));

    /// <exception cref="RejectedRequestException">It is none of <see cref="Forms"/>.</exception>
    public static ImageSource Parse(ImportRequest request)
    {
        var source = request.Source;
        var transport = TransportOf(source);
        var rest = transport is null ? "" : source[(transport.Length + 1)..];
        if (rest.Length == 0 || rest.Any(char.IsControl)) throw Unknown(source);
        if (request.HostFiles.Count > 0 && transport != "containerfile") throw new RejectedRequestException("hostFiles", "hostFiles need a source of the form containerfile:DIR.");
        return transport switch
        {
            "docker" => RegistrySource.Parse(rest),
            "oci" => DirectorySource.Layout(rest),
            "dir" => DirectorySource.Transport(rest),
            "oci-archive" => OciArchiveSource.Parse(rest),
            "docker-archive" => DockerArchiveSource.Parse(rest),
            "docker-daemon" => new DockerDaemonSource(source),
            "containers-storage" => new StorageSource(source),
            "buildah" => BuildahSource.Parse(rest),
            "rootfs-tar" => new RootfsTarSource(rest),
            "containerfile" => new ContainerfileSource(rest, request.HostFiles),
            "debian" => DebianSource.Parse(rest),
            _ => throw Unknown(source),
        };
    }

    private static RejectedRequestException Unknown(string source) => new("source", $"'{source}' is not a source of images. Known are: {Forms}.");
}
