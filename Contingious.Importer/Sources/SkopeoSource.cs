namespace Contingious.Importer.Sources;

/// <summary>Whatever skopeo(1) can copy: registries, archives, container storages.</summary>
internal sealed class SkopeoSource(string source) : ImageSource
{
    public override async Task<FetchedLayout> FetchAsync(StagingArea staging, IProgress<string>? progress, CancellationToken cancellation)
    {
        var skopeo = ImageTool.Find("skopeo");
        progress?.Report($"skopeo copies {source}");
        var layout = staging.PathOf("layout");
        await ImageTool.RunAsync(staging, skopeo, ["--policy", staging.PolicyFile, "--tmpdir", staging.TemporaryDirectory, "copy", "--quiet", source, $"oci:{layout}:latest"], cancellation).ConfigureAwait(false);
        return new FetchedLayout(layout, "latest");
    }
}
