using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>What all sandboxes of an engine have in common.</summary>
internal sealed record SandboxHost
{
    public required HostLayout Layout { get; init; }

    /// <summary>What the operator decides.</summary>
    public required EngineOptions Options { get; init; }

    /// <summary>What runs the containers.</summary>
    public required OciRuntime Runtime { get; init; }

    /// <summary>The containers' init.</summary>
    public required string InitProgram { get; init; }

    /// <summary>Below which cgroup those of the sandboxes are made.</summary>
    public required Cgroup Home { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The directory of a sandbox by the name that it was made by.</summary>
    public string DirectoryOf(string place) => $"{Layout.SandboxesDirectory}/{place}";

    /// <summary>Where a live sandbox's lock is.</summary>
    public string LockOf(string name) => $"{Layout.LocksDirectory}/{name}";
}
