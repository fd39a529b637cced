using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>Runs one job in one sandbox. It throws for faults that are ours; what the submission does is in the report.</summary>
/// <exception cref="Engine.RejectedRequestException">The request is wrong.</exception>
/// <exception cref="Engine.ImageUnavailableException">No such image is imported here.</exception>
public delegate Task<RunReport> JobRunner(RunRequest request, CancellationToken cancellation);

/// <summary>How an agent works.</summary>
public sealed record AgentOptions
{
    /// <summary>Said in every result.</summary>
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>Jobs at once, 1 to 1,000; as many are taken from the queue and no more.</summary>
    public int Slots { get; init; } = Environment.ProcessorCount;

    /// <summary>How long a stop waits for running jobs. Those that are not done by then are delivered to another agent.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Defaults and ceilings of jobs' limits.</summary>
    public LimitPolicy Limits { get; init; } = LimitPolicy.Documented;

    /// <summary>Results that are kept, so that a job that is delivered again is answered and not run again.</summary>
    public int RememberedResults { get; init; } = 1024;

    /// <summary>What those results may take together.</summary>
    public ByteSize RememberedBytes { get; init; } = ByteSize.FromMiB(64);
}
