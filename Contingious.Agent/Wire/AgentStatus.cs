using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>What an agent says of itself, every few seconds and when it is asked: docs/wire.md, "Agents".</summary>
public sealed record AgentStatus
{
    /// <summary>Ids of jobs that are named, of each kind.</summary>
    public const int MaxJobs = 64;

    public const int MaxImages = 1_000;

    public const int MaxFindings = 64;

    /// <summary>Entries of <see cref="Programs"/> and <see cref="Capabilities"/>.</summary>
    public const int MaxWords = 64;

    /// <summary>Characters of any one text; a longer one is cut by its writer and refused by a reader.</summary>
    public const int MaxText = 2_048;

    public required string Name { get; init; }

    public string Host { get; init; } = "";

    public string Version { get; init; } = "";

    public AgentState State { get; init; }

    /// <summary>Since when it is in this state; UTC, by the agent's clock.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>Why it is under quarantine; empty else.</summary>
    public string Reason { get; init; } = "";

    /// <summary>When this was said; UTC, by the agent's clock.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>What jobs may use at once.</summary>
    public StatusCapacity Capacity { get; init; } = new(0, ByteSize.Zero, ByteSize.Zero, 0);

    /// <summary>What of it is free; below zero where jobs of an earlier agent have more than this one would give.</summary>
    public StatusCapacity Free { get; init; } = new(0, ByteSize.Zero, ByteSize.Zero, 0);

    /// <summary>Jobs that run.</summary>
    public int Running { get; init; }

    public IReadOnlyList<string> RunningJobs { get; init; } = [];

    /// <summary>Jobs that wait for room.</summary>
    public int Held { get; init; }

    public IReadOnlyList<string> HeldJobs { get; init; } = [];

    public IReadOnlyList<StatusImage> Images { get; init; } = [];

    /// <summary>Versions by program.</summary>
    public IReadOnlyDictionary<string, string> Programs { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> Capabilities { get; init; } = [];

    public IReadOnlyList<StatusFinding> Findings { get; init; } = [];

    /// <summary>The classes that it takes jobs of, with their weights.</summary>
    public IReadOnlyDictionary<JobClass, int> Classes { get; init; } = new Dictionary<JobClass, int>();
}

/// <summary>Whether an agent takes jobs.</summary>
public enum AgentState
{
    Starting,
    Ready,

    /// <summary>It finishes what runs, and ends.</summary>
    Draining,

    /// <summary>Too much went wrong on its host; it takes none until a job of its own has passed.</summary>
    Quarantined,
}

/// <summary>An amount of what jobs use.</summary>
public sealed record StatusCapacity(double Cpus, ByteSize Memory, ByteSize Disk, int Slots);

/// <summary>An image that jobs can name.</summary>
public sealed record StatusImage(string Name, string Digest);

/// <summary>Something that the doctor found.</summary>
public sealed record StatusFinding(Severity Level, string Text);
