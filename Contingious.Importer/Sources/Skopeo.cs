using Contingious.Engine.Images;

namespace Contingious.Importer.Sources;

/// <summary>skopeo(1), with what all its runs have in common.</summary>
internal static class Skopeo
{
    /// <param name="context">Where it works.</param>
    /// <param name="args">Its command and that one's arguments.</param>
    /// <param name="readOutput">Reads what it prints.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Task RunAsync(FetchContext context, IReadOnlyList<string> args, Func<Stream, CancellationToken, Task>? readOutput, CancellationToken cancellation) =>
        ImageTool.RunAsync(context.Staging, new ToolRequest("skopeo", [.. Common(context), .. args]) { ReadOutput = readOutput }, cancellation);

    /// <summary>Copies one image of a registry, every byte as the registry has it.</summary>
    public static async Task<FetchedImage> CopyExactAsync(FetchContext context, string source, Digest digest, IEnumerable<string> options, CancellationToken cancellation)
    {
        context.Progress?.Report($"skopeo copies {source}");
        var directory = context.Staging.PathOf("transport");
        await RunAsync(context, ["copy", "--quiet", "--preserve-digests", .. options, source, $"dir:{directory}"], readOutput: null, cancellation).ConfigureAwait(false);
        return new FetchedImage(directory, ImageForm.Transport, Expected: digest);
    }

    /// <summary>Copies one image from where its layers are kept unpacked, and does not pack them for us to unpack them again.</summary>
    /// <remarks>skopeo 1.9 then calls them gzip all the same.</remarks>
    public static async Task<FetchedImage> CopyAsync(FetchContext context, string source, IEnumerable<string> options, bool usesAccountStorage, CancellationToken cancellation)
    {
        context.Progress?.Report($"skopeo copies {source}");
        var layout = context.Staging.PathOf("layout");
        string[] args = [.. Common(context), "copy", "--quiet", "--dest-oci-accept-uncompressed-layers", .. options, source, $"oci:{layout}:{LayoutWriter.Reference}"];
        await ImageTool.RunAsync(context.Staging, new ToolRequest("skopeo", args) { UsesAccountStorage = usesAccountStorage }, cancellation).ConfigureAwait(false);
        return new FetchedImage(layout, ImageForm.Layout, LayoutWriter.Reference, MistakesCompression: true);
    }

    private static IEnumerable<string> Common(FetchContext context)
    {
        yield return "--policy";
        yield return context.Staging.PolicyFile;
        yield return "--tmpdir";
        yield return context.Staging.TemporaryDirectory;
        if (context.Platform is not { } platform) yield break;
        yield return $"--override-os={platform.Os}";
        yield return $"--override-arch={platform.Architecture}";
        if (!string.IsNullOrEmpty(platform.Variant)) yield return $"--override-variant={platform.Variant}";
    }
}
