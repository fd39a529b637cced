using System.Reflection;
using Contingious.Agent.Configuration;
using Contingious.Agent.Wire;
using Contingious.Engine.Host;
using Contingious.Engine.Images;

namespace Contingious.Agent.Work;

/// <summary>What this host's agent says of itself.</summary>
internal static class HostPortrait
{
    /// <summary>Asks the programs for their versions; the rest is looked at each time it is told.</summary>
    public static async Task<AgentPortrait> TakeAsync(HostLayout layout, OperatorConfig config, CancellationToken cancellation)
    {
        var versions = await Doctor.VersionsAsync(HostRoot.Real, cancellation).ConfigureAwait(false);
        var store = new ImageStore(layout.ImagesDirectory);
        var findings = HostFindings.Take();
        return new AgentPortrait
        {
            Version = typeof(HostPortrait).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            Images = () => [.. store.List().SelectMany(image => image.Names.Select(name => new StatusImage(name.ToString(), image.Digest.ToString()))).Order(byName)],
            Programs = new Dictionary<string, string>(versions) { ["kernel"] = Environment.OSVersion.Version.ToString() },
            Capabilities = [.. CapabilitiesOf(config)],
            Findings = () => findings,
        };
    }

    private static readonly Comparer<StatusImage> byName = Comparer<StatusImage>.Create((one, other) => string.CompareOrdinal(one.Name, other.Name));

    private static IEnumerable<string> CapabilitiesOf(OperatorConfig config)
    {
        yield return "root";
        if (config.Engine.AllowInternet) yield return "internet";
        if (config.Engine.Mounts.Count > 0) yield return "mounts";
        if (config.Engine.Blobs is not null) yield return "blobs";
    }
}
