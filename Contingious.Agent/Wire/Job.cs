using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>A message of the queue of jobs. <c>(JobId, Attempt)</c> names it: what comes twice is run once.</summary>
/// <param name="JobId">As <see cref="SandboxId.IsJobId"/> allows.</param>
/// <param name="Attempt">0 to 1,000,000.</param>
/// <param name="Request">What the engine is to run, its archives unpacked into files; its id is made of the two above.</param>
public sealed record Job(string JobId, int Attempt, RunRequest Request)
{
    /// <summary>When the job is no longer of use: one that has not begun by then is answered and not run. Always of use where absent.</summary>
    public DateTimeOffset? StartBefore { get; init; }
}

/// <summary>The answer to a <see cref="Job"/>.</summary>
/// <param name="JobId">The job's; empty where it could not be read that far.</param>
/// <param name="Attempt">The job's.</param>
/// <param name="Agent">The name of the agent that ran it.</param>
/// <param name="Report">What became of it.</param>
public sealed record JobResult(string JobId, int Attempt, string Agent, RunReport Report);
