using System.Collections.Concurrent;
using Contingious.Agent.Queue;
using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// What becomes of a delivery, from the queue to its acknowledgement:
/// <list type="number">
/// <item>look at its size and decode it; what is no job is refused</item>
/// <item>a job that the decision log knows is answered with what it says</item>
/// <item>admit: there is room, it is not too late, and nobody has cancelled it</item>
/// <item>run</item>
/// <item>decide: the first result of a job that the decision log has is its final one, whoever put it there</item>
/// <item>publish the final result, and wait for the broker's confirmation</item>
/// <item>acknowledge</item>
/// </list>
/// 2 to 5 are done once for a job however often it is delivered meanwhile, by <see cref="JobConduct"/>; the rest for each delivery.
/// Nothing gets out of here as an exception, and every delivery is settled unless the broker has taken it back.
/// </summary>
internal sealed class JobDesk(AgentOptions options, AgentParts parts, JobConduct conduct, Admission admission, AgentStops stops, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan pauseAfterFault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan longestRefusedPause = TimeSpan.FromSeconds(15);

    private readonly JobAnswers answers = new(options.Name);
    private readonly ClassLimits limits = new(options);
    private readonly ConcurrentDictionary<JobKey, JobCase> cases = [];

    /// <summary>The jobs that are here now.</summary>
    public ICollection<JobCase> Cases => cases.Values;

    /// <param name="delivery">Is settled here.</param>
    /// <param name="placed">Completed when the next job may be asked for.</param>
    public async Task HandleAsync(IJobDelivery delivery, TaskCompletionSource placed)
    {
        using var arrival = admission.Arrive();
        try
        {
            await AnswerAsync(delivery, placed).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // A fault of ours outside of the run. The queue's delivery limit ends it should every agent have it.
            if (!stops.Abandoned.IsCancellationRequested) logger.DeliveryFailed(error);
            await Pause.ForAsync(pauseAfterFault, time, stops.Draining, delivery.Lost).ConfigureAwait(false);
            await GiveBackAsync(delivery).ConfigureAwait(false);
        }
        finally
        {
            placed.TrySetResult();
        }
    }

    /// <summary>Joins a run that an earlier agent began. Its result is put down whether or not its job is delivered again.</summary>
    public Task Adopt(JobTicket ticket)
    {
        // It has its room before any other job is asked for.
        var adopted = new JobCase(ticket) { IsAdopted = true, Room = admission.Seize(Capacity.Of(ticket.Job.Request)) };
        return cases.TryAdd(ticket.Key, adopted) ? ConductAsync(adopted) : Task.CompletedTask;
    }

    private async Task AnswerAsync(IJobDelivery delivery, TaskCompletionSource placed)
    {
        var taken = time.GetTimestamp();
        AgentTelemetry.Taken(delivery.Class, delivery.Redelivered, time.GetUtcNow() - delivery.Posted);

        // (1) Decode.
        Job job;
        try
        {
            job = limits.Decode(delivery);
        }
        catch (WireException error)
        {
            await RefuseAsync(delivery, error).ConfigureAwait(false);
            return;
        }

        var key = JobKey.Of(job, delivery.Body);
        using var span = JobActivity.Start(delivery.TraceParent, key, delivery.Class, parts.QueueOf(delivery.Class));
        var ticket = new JobTicket(key, job, delivery.Body, delivery.Class) { TraceParent = JobActivity.TraceParentOf(span, delivery.TraceParent) };
        switch (await ResolveAsync(delivery, ticket, placed).ConfigureAwait(false))
        {
            case CaseEnd.Final final:
                await PublishAsync(delivery, ticket, final, taken).ConfigureAwait(false);
                JobActivity.End(span, JobAnswers.OutcomeOf(final.Result) ?? Outcome.InternalError);
                break;
            case CaseEnd.GiveBack or CaseEnd.Dropped:
                await delivery.RejectAsync(requeue: true).ConfigureAwait(false);
                break;
            case CaseEnd.Left:
                break;
        }
    }

    /// <summary>(2) to (5), or waits for what they come to where the job is here already.</summary>
    private async Task<CaseEnd> ResolveAsync(IJobDelivery delivery, JobTicket ticket, TaskCompletionSource placed)
    {
        while (true)
        {
            var mine = new JobCase(ticket);
            var found = cases.GetOrAdd(ticket.Key, mine);
            found.Attach(delivery);
            if (found == mine) _ = ConductAsync(mine);
            else logger.JobRepeated(ticket.Key.JobId, ticket.Key.Attempt, delivery.Redelivered);
            await found.WhenPlacedAsync().ConfigureAwait(false);
            placed.TrySetResult();
            var end = await found.WhenEndedAsync().ConfigureAwait(false);

            // It was given up for want of a delivery at the moment in which this one came.
            if (end is CaseEnd.Dropped && !delivery.Lost.IsCancellationRequested) continue;
            return end is CaseEnd.Final final && found != mine ? final with { Repeated = true } : end;
        }
    }

    private async Task<CaseEnd> ConductAsync(JobCase job)
    {
        var end = await conduct.ResolveAsync(job).ConfigureAwait(false);
        cases.TryRemove(job.Key, out _);
        job.Close(end);
        job.Dispose();
        return end;
    }

    /// <summary>A message that is no job: its sender is told, or where there is none to tell it goes to the dead letters. No key names it, so no log does.</summary>
    private async Task RefuseAsync(IJobDelivery delivery, WireException error)
    {
        logger.JobRefused(error.JobId, error.Field, delivery.Size);
        AgentTelemetry.Refused(delivery.Class);
        if (delivery.ReplyTo is null) await delivery.RejectAsync(requeue: false).ConfigureAwait(false);
        else await PublishAndSettleAsync(delivery, error.JobId, answers.Refused(error), deadLetter: false).ConfigureAwait(false);
    }

    private async Task PublishAsync(IJobDelivery delivery, JobTicket ticket, CaseEnd.Final final, long taken)
    {
        if (!await PublishAndSettleAsync(delivery, ticket.Key.JobId, final.Result, final.DeadLetter).ConfigureAwait(false)) return;
        var outcome = JobAnswers.OutcomeOf(final.Result);
        parts.Events.Post(new JobEvent(ticket.Key.JobId, ticket.Key.Attempt, JobEventKind.Finished, time.GetUtcNow()) { Outcome = outcome });
        AgentTelemetry.Answered(delivery.Class, outcome ?? Outcome.InternalError, time.GetElapsedTime(taken), final.Repeated);
    }

    /// <summary>(6) and (7).</summary>
    /// <returns>Whether the broker has the result.</returns>
    private async Task<bool> PublishAndSettleAsync(IJobDelivery delivery, string jobId, ReadOnlyMemory<byte> result, bool deadLetter)
    {
        var address = new ResultAddress(jobId, delivery.Class, delivery.ReplyTo, delivery.CorrelationId ?? jobId);
        var refused = TimeSpan.Zero;
        for (var pause = pauseAfterFault; ; pause = pause * 2 < longestRefusedPause ? pause * 2 : longestRefusedPause)
        {
            var fate = await parts.Results.PublishAsync(address, result, stops.Abandoned).ConfigureAwait(false);
            switch (fate)
            {
                case PublishFate.Confirmed:
                case PublishFate.Unroutable:
                    if (fate == PublishFate.Unroutable) logger.ResultUnclaimed(address.CorrelationId, address.ReplyTo ?? "");
                    if (deadLetter) await delivery.RejectAsync(requeue: false).ConfigureAwait(false);
                    else await delivery.AckAsync().ConfigureAwait(false);
                    return true;
                case PublishFate.Refused:
                    AgentTelemetry.Unpublished("refused");
                    if (refused >= options.RefusedPatience)
                    {
                        logger.ResultGivenUp(address.CorrelationId, refused.TotalSeconds);
                        await delivery.RejectAsync(requeue: false).ConfigureAwait(false);
                        return true;
                    }

                    // A queue that is full may be read, and a node that is away may come back.
                    refused += pause;
                    logger.ResultRefused(address.CorrelationId, pause.TotalSeconds);
                    await Pause.ForAsync(pause, time, delivery.Lost, stops.Abandoned).ConfigureAwait(false);
                    if (delivery.Lost.IsCancellationRequested) return false;
                    stops.Abandoned.ThrowIfCancellationRequested();
                    break;
                case PublishFate.Lost:
                    // Where the delivery went with the connection it comes again, and the decision log knows the answer.
                    logger.ResultHeld(address.CorrelationId);
                    AgentTelemetry.Unpublished("lost");
                    await Pause.ForAsync(pauseAfterFault, time, delivery.Lost, stops.Abandoned).ConfigureAwait(false);
                    if (delivery.Lost.IsCancellationRequested) return false;
                    stops.Abandoned.ThrowIfCancellationRequested();
                    break;
                default:
                    throw new InvalidOperationException($"{fate} is no fate of a result.");
            }
        }
    }

    private async Task GiveBackAsync(IJobDelivery delivery)
    {
        try
        {
            await delivery.RejectAsync(requeue: true).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Its channel is beyond use, and goes; what it holds comes again with the next one.
            logger.DeliveryStuck(error);
        }
    }
}
