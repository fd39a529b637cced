using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// What the steps of a job, and whoever runs further commands in its sandbox, have used together of what the job may.
/// Memory, processes and CPU bandwidth need no account: the job's own cgroup, in which all of them live, holds those.
/// </summary>
internal sealed class JobBudget(Limits limits, Cgroup job)
{
    private TimeSpan overhead;
    private TimeSpan wallTime;
    private long output;

    public Limits Limits { get; } = limits;

    /// <summary>Takes CPU time of the runtime's own out of the account.</summary>
    public void Exempt(TimeSpan cpuTime) => overhead += cpuTime;

    /// <summary>Puts a step that has ended into the account. Its CPU time is there already, by the cgroup's clock.</summary>
    public void Spend(TimeSpan wallTime, long output)
    {
        this.wallTime += wallTime;
        this.output += output;
    }

    /// <summary>What the job has left while a step runs that has come so far.</summary>
    public Remainder Left(TimeSpan wallTime, long output) => new(
        Limits.CpuTime - (job.ReadCpuTime() - overhead), Limits.WallTime - this.wallTime - wallTime, Limits.ProducedOutput.Bytes - this.output - output);
}

/// <summary>What is left of limits that run down; below zero where one has been passed.</summary>
internal readonly record struct Remainder(TimeSpan CpuTime, TimeSpan WallTime, long Output)
{
    /// <summary>The limit that has been passed, if any: by the CPU's clock before the wall's.</summary>
    public Outcome? Passed =>
        CpuTime < TimeSpan.Zero ? Outcome.CpuTimeLimit
        : WallTime < TimeSpan.Zero ? Outcome.WallTimeLimit
        : Output < 0 ? Outcome.OutputLimit
        : null;
}
