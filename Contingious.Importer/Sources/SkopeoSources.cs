using Contingious.Engine;

namespace Contingious.Importer.Sources;

/// <summary><c>docker-archive:FILE[:REF]</c>, which <c>docker save</c> writes: skopeo(1) knows its forms.</summary>
internal sealed class DockerArchiveSource(string file, string? reference) : ImageSource
{
    public static DockerArchiveSource Parse(string text)
    {
        var (path, reference) = DirectorySource.SplitReference(text);
        return new DockerArchiveSource(path, reference);
    }

    public override Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        // Says more plainly than skopeo what is wrong with it.
        SourceFile.Open(file).Dispose();
        return Skopeo.CopyAsync(context, reference is null ? $"docker-archive:{file}" : $"docker-archive:{file}:{reference}", [], usesAccountStorage: false, cancellation);
    }
}

/// <summary><c>containers-storage:NAME</c>: an image in the storage of this account that buildah(1) and podman(1) share. <c>[DRIVER@GRAPHROOT+RUNROOT]NAME</c> names another storage.</summary>
internal sealed class StorageSource(string source) : ImageSource
{
    public override Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation) =>
        Skopeo.CopyAsync(context, source, [], usesAccountStorage: true, cancellation);
}

/// <summary><c>docker-daemon:NAME:TAG</c>: an image of a Docker daemon, where there is one.</summary>
internal sealed class DockerDaemonSource(string source) : ImageSource
{
    private const string HostVariable = "DOCKER_HOST";
    private const string UnixScheme = "unix://";
    private const string DefaultHost = "unix:///var/run/docker.sock";

    public override Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        var host = Environment.GetEnvironmentVariable(HostVariable) is { Length: > 0 } given ? given : DefaultHost;
        if (host.StartsWith(UnixScheme, StringComparison.Ordinal) && !File.Exists(host[UnixScheme.Length..]))
        {
            throw new HostNotReadyException(
                $"There is no Docker daemon here: {host[UnixScheme.Length..]} is missing, or not for this account to see ({HostVariable} names another one). "
                + "'docker save NAME -o FILE' on the host that has the image writes what docker-archive:FILE imports.");
        }

        return Skopeo.CopyAsync(context, source, [$"--src-daemon-host={host}"], usesAccountStorage: false, cancellation);
    }
}
