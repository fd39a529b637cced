using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>A step's environment: the image's, then the step's own; nothing of the agent's.</summary>
internal static class StepEnvironment
{
    private const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static IReadOnlyList<string> Of(Image image, StepRequest step, ContainerUser user, string workingDirectory)
    {
        var env = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = SearchPath,
            ["LANG"] = "C.UTF-8",
            ["HOME"] = user.Home ?? workingDirectory,
            ["CONTINGIOUS"] = "1",
        };
        foreach (var (name, value) in image.Config.Env) env[name] = value;
        foreach (var (name, value) in step.Env) env[name] = value;
        return [.. env.Select(entry => $"{entry.Key}={entry.Value}")];
    }
}
