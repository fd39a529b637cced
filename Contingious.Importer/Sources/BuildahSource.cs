using System.Text.RegularExpressions;
using Contingious.Engine;

namespace Contingious.Importer.Sources;

/// <summary><c>buildah:CONTAINER</c>: a working container of this account, by its name or id, as <c>buildah commit</c> would make an image of it. It stays as it is.</summary>
internal sealed partial class BuildahSource(string container) : ImageSource
{
    /// <exception cref="RejectedRequestException">It is not the name of a container.</exception>
    public static BuildahSource Parse(string text) => Name().IsMatch(text)
        ? new BuildahSource(text)
        : throw new RejectedRequestException("source", $"'{text}' is not the name or id of a working container; 'buildah containers' lists them.");

    public override async Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        context.Progress?.Report($"buildah commits the working container {container}");
        var layout = context.Staging.PathOf("layout");
        await ImageTool.RunAsync(
            context.Staging,
            new ToolRequest("buildah", "commit", "--signature-policy", context.Staging.PolicyFile, "--format", "oci", "--disable-compression", "--quiet", container, $"oci:{layout}:latest") { UsesAccountStorage = true },
            cancellation).ConfigureAwait(false);
        return new FetchedImage(layout, ImageForm.Layout, "latest");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    private static partial Regex Name();
}
