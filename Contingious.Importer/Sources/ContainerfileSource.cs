namespace Contingious.Importer.Sources;

/// <summary>
/// <c>containerfile:DIR</c>: buildah(1) builds the directory's Containerfile. <c>--isolation chroot</c> and the vfs driver need nothing of the host
/// but this user namespace. The context is a copy, to which files of the host can be added.
/// </summary>
/// <remarks>A RUN of the Containerfile has the host's network (chroot isolation has no other) and runs as root of this user namespace: build what you trust.</remarks>
internal sealed class ContainerfileSource(string directory, IReadOnlyDictionary<string, string> hostFiles) : ImageSource
{
    private static readonly string[] FileNames = ["Containerfile", "Dockerfile"];

    private readonly string directory = Path.GetFullPath(directory);

    public override async Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        var containerfile = FileNames.FirstOrDefault(name => File.Exists(Path.Combine(directory, name)))
            ?? throw new InvalidImageException($"{directory} has neither a Containerfile nor a Dockerfile.");
        var staging = context.Staging;
        _ = ImageTool.Find("buildah");
        var build = staging.PathOf("context");
        BuildContext.Copy(directory, build);
        BuildContext.AddHostFiles(build, hostFiles);

        context.Progress?.Report($"buildah builds {Path.Combine(directory, containerfile)}");
        var identity = staging.PathOf("image-id");
        string[] storage = ["--storage-driver", "vfs", "--root", staging.PathOf("storage"), "--runroot", staging.PathOf("storage-run")];
        string[] policy = ["--signature-policy", staging.PolicyFile];
        await ImageTool.RunAsync(
            staging,
            new ToolRequest("buildah", [.. storage, "bud", "--isolation", "chroot", .. policy, .. Access(context), "--format", "oci", "--layers=false", "--iidfile", identity, "--file", Path.Combine(build, containerfile), build]),
            cancellation).ConfigureAwait(false);
        var id = (await File.ReadAllTextAsync(identity, cancellation).ConfigureAwait(false)).Trim();
        var layout = staging.PathOf("layout");
        await ImageTool.RunAsync(staging, new ToolRequest("buildah", [.. storage, "push", .. policy, "--disable-compression", "--quiet", id, $"oci:{layout}:latest"]), cancellation).ConfigureAwait(false);
        return new FetchedImage(layout, ImageForm.Layout, "latest");
    }

    /// <summary>For the images that a FROM names.</summary>
    private static IEnumerable<string> Access(FetchContext context)
    {
        if (context.Platform is { } platform) yield return $"--platform={platform}";
        if (!context.Registry.VerifyTls) yield return "--tls-verify=false";
        if (context.Registry.AuthFile is { } file) yield return $"--authfile={file}";
    }
}
