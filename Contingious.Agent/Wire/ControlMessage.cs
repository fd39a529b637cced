namespace Contingious.Agent.Wire;

/// <summary>What all agents are told.</summary>
/// <param name="Kind">What is asked for.</param>
/// <param name="JobId">For <see cref="ControlKind.Cancel"/>: the job's id; else empty.</param>
/// <param name="Attempt">The job's attempt, or nothing for all of them.</param>
public sealed record ControlMessage(ControlKind Kind, string JobId = "", int? Attempt = null);

public enum ControlKind
{
    /// <summary>A job is to be cancelled, wherever it is: queued, waiting, running, or yet to come.</summary>
    Cancel,

    /// <summary>Agents are to say how they are, now.</summary>
    Report,
}
