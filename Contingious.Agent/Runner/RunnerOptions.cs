using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Runner;

/// <summary>How a runner works.</summary>
internal sealed record RunnerOptions
{
    /// <summary>Names it among the runners of its account.</summary>
    public required string Id { get; init; }

    /// <summary>Tells runners apart that would not do the same with a job: program and configuration (<see cref="RunnerFingerprint"/>).</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Defaults and ceilings of jobs' limits, by class: those that the agent decoded the job by.</summary>
    public Func<JobClass, LimitPolicy> LimitsOf { get; init; } = _ => LimitPolicy.Documented;

    /// <summary>With no agent for so long, and nothing running, it ends.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long it waits for the runner before it to give up its place.</summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromSeconds(10);

    public JournalBounds Journal { get; init; } = new();

    /// <summary>Output events that wait for an agent which reads too slowly; the oldest are dropped.</summary>
    public ByteSize MostWaitingOutput { get; init; } = ByteSize.FromMiB(4);

    /// <summary>What else waits for such an agent: beyond that its connection is given up.</summary>
    public ByteSize MostWaiting { get; init; } = ByteSize.FromMiB(128);

    /// <summary>Asked every few seconds; where it says no, the runner takes no new jobs and ends when nothing runs.</summary>
    public Func<bool> IsWanted { get; init; } = () => true;
}

/// <summary>What the journal keeps at most. Settled results go first, then the oldest.</summary>
internal sealed record JournalBounds
{
    public int MostResults { get; init; } = 1024;

    public ByteSize MostBytes { get; init; } = ByteSize.FromMiB(256);

    /// <summary>A settled result is of use while the broker may deliver the job again.</summary>
    public TimeSpan SettledFor { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>Runs one job in one sandbox, as <c>SandboxEngine.RunAsync</c> does.</summary>
internal delegate Task<RunReport> ObservedRun(RunRequest request, IRunObserver observer, CancellationToken cancellation);

/// <summary>What runs a runner's jobs.</summary>
/// <param name="Run">Runs one.</param>
internal sealed record RunnerEngine(ObservedRun Run)
{
    /// <summary>Gives up what it keeps for jobs to come, until one comes: no agent is there to send any.</summary>
    public Func<Task> RestAsync { get; init; } = () => Task.CompletedTask;

    /// <summary>Gives up what it keeps for jobs to come; those that run are not touched. May be called again.</summary>
    public Func<Task> RetireAsync { get; init; } = () => Task.CompletedTask;
}
