using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>
/// Runs jobs, in this process or in another that outlives it. A job that it knows is not run again: one that is running is joined,
/// one that has ended is answered with the result that it has.
/// </summary>
public interface IJobRunner : IAsyncDisposable
{
    /// <summary>Jobs that were running, or had ended without their result being settled, when this agent began: an earlier agent's.</summary>
    IReadOnlyList<JobTicket> Adopted { get; }

    /// <summary>Runs the job, joins its run, or answers with what is kept of it.</summary>
    /// <param name="ticket">The job.</param>
    /// <param name="events">Told what happens to it, from any thread; must not block. Only of what happens from now on.</param>
    /// <param name="leave">Stops waiting. The run goes on: <see cref="CancelAsync"/> ends it.</param>
    /// <exception cref="Engine.CapacityException">The host has no room for it now, and will have. Nothing was begun.</exception>
    /// <exception cref="OperationCanceledException">Asked by <paramref name="leave"/>, or the run was abandoned.</exception>
    /// <exception cref="RunnerLostException">The runner ended while it had the job.</exception>
    /// <exception cref="Engine.ContingiousException">The runner itself failed.</exception>
    Task<RunAnswer> RunAsync(JobTicket ticket, Action<JobEvent> events, CancellationToken leave);

    /// <summary>Ends a run that is under way, in whatever stage it is.</summary>
    /// <param name="key">The job.</param>
    /// <param name="abandon">
    /// True: the run is given up, nothing is kept of it, and whoever waits for it is cancelled. False: its result says <see cref="Outcome.Cancelled"/>.
    /// </param>
    Task CancelAsync(JobKey key, bool abandon);

    /// <summary>The broker has the job's final result for good: what is kept of it may go when room is needed.</summary>
    Task SettleAsync(JobKey key);
}

/// <summary>A job on its way to be run.</summary>
/// <param name="Key">Names it.</param>
/// <param name="Job">What it asks for, decoded from <paramref name="Message"/>.</param>
/// <param name="Message">The body as it came.</param>
/// <param name="Class">The queue that it came from.</param>
public sealed record JobTicket(JobKey Key, Job Job, ReadOnlyMemory<byte> Message, JobClass Class)
{
    /// <summary>The W3C trace context that the job came with (<c>traceparent</c>), if any.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>What a run came to.</summary>
/// <param name="Outcome">The job's fate.</param>
/// <param name="Result">The encoded result, fit for a message.</param>
/// <param name="Repeated">It was known already, and not run for this asking.</param>
public sealed record RunAnswer(Outcome Outcome, ReadOnlyMemory<byte> Result, bool Repeated)
{
    /// <summary>Of an <see cref="Outcome.InternalError"/>: another try is of no use, since the job has ended its runner before. It is no fault of this host's.</summary>
    public bool Final { get; init; }
}
