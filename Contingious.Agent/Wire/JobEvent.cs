using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>What happened to a job on its way. Only <see cref="JobEventKind.Finished"/> is sure to arrive; any other may be left out under load.</summary>
/// <param name="JobId">The job's id.</param>
/// <param name="Attempt">The job's attempt.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Time">When, by the agent's clock.</param>
public sealed record JobEvent(string JobId, int Attempt, JobEventKind Kind, DateTimeOffset Time)
{
    /// <summary>The step's name, for <see cref="JobEventKind.Started"/>, <see cref="JobEventKind.Step"/> and <see cref="JobEventKind.Output"/>.</summary>
    public string Step { get; init; } = "";

    /// <summary>The step's fate, or the job's.</summary>
    public Outcome? Outcome { get; init; }

    /// <summary>Whether <see cref="Data"/> came from standard error.</summary>
    public bool IsStderr { get; init; }

    /// <summary>What a step wrote, at most 64 KiB.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }
}

public enum JobEventKind
{
    /// <summary>An agent has the job.</summary>
    Accepted,

    /// <summary>A step's command has begun.</summary>
    Started,

    /// <summary>A step has ended.</summary>
    Step,

    /// <summary>A step wrote something.</summary>
    Output,

    /// <summary>The job has its final result.</summary>
    Finished,
}
