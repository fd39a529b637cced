using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>What an agent says of itself beyond its jobs. What may change is asked for each time.</summary>
public sealed record AgentPortrait
{
    /// <summary>Of this program.</summary>
    public string Version { get; init; } = "";

    /// <summary>The images that jobs can name here, as they are now.</summary>
    public Func<IReadOnlyList<StatusImage>> Images { get; init; } = () => [];

    /// <summary>Versions of the programs that it works with, by name: <c>crun</c>, <c>rootlesskit</c>, <c>kernel</c>.</summary>
    public IReadOnlyDictionary<string, string> Programs { get; init; } = new Dictionary<string, string>();

    /// <summary>What it can do that not all agents can, such as <c>network</c> or <c>blobs</c>.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>What the doctor found, as it is now; not what is well.</summary>
    public Func<IReadOnlyList<StatusFinding>> Findings { get; init; } = () => [];
}
