using System.Diagnostics;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// Handles one delivery after another, several at a time:
/// (1) decode, (2) wait for a slot and run, or find what ran before, (3) encode, (4) publish and wait for the confirmation, (5) acknowledge.
/// Nothing that a job holds or does gets out of here as an exception.
/// </summary>
internal sealed class JobDesk(AgentOptions options, JobRunner runner, ResultPublisher publisher, ILogger logger) : IDisposable
{
    private static readonly TimeSpan roomPause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim slots = new(options.Slots, options.Slots);
    private readonly ResultMemory memory = new(options.RememberedResults, options.RememberedBytes);

    /// <param name="delivery">Settled here, unless the agent stops before it was begun or the connection was lost.</param>
    /// <param name="stopping">Begin no job any more.</param>
    /// <param name="abandoned">Give up the running ones too.</param>
    public async Task HandleAsync(Delivery delivery, CancellationToken stopping, CancellationToken abandoned)
    {
        try
        {
            await AnswerAsync(delivery, stopping, abandoned).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Not settled: the broker delivers it to another agent.
        }
        catch (Exception error)
        {
            // A fault of ours outside of the run. The queue's delivery limit ends it should every agent have it.
            logger.DeliveryFailed(error);
            await delivery.RejectAsync(requeue: true).ConfigureAwait(false);
        }
    }

    public void Dispose() => slots.Dispose();

    private async Task AnswerAsync(Delivery delivery, CancellationToken stopping, CancellationToken abandoned)
    {
        Job job;
        try
        {
            job = delivery.Size > WireFormat.MaxMessage.Bytes ? throw JobCodec.TooLarge(delivery.Size) : JobCodec.Decode(delivery.Body, options.Limits);
        }
        catch (WireException error)
        {
            await RefuseAsync(delivery, error, abandoned).ConfigureAwait(false);
            return;
        }

        var result = await memory.GetOrRunAsync(
            JobKey.Of(job, delivery.Body),
            () => RunAsync(job, stopping, abandoned),
            () => logger.JobRepeated(job.JobId, job.Attempt, delivery.Redelivered)).ConfigureAwait(false);
        await DeliverAsync(delivery, delivery.CorrelationId ?? job.JobId, result, abandoned).ConfigureAwait(false);
    }

    /// <summary>A message that is no job: its sender is told, or where there is none to tell it goes to the dead letters.</summary>
    private async Task RefuseAsync(Delivery delivery, WireException error, CancellationToken abandoned)
    {
        logger.JobRefused(error.JobId, error.Field, delivery.Size);
        if (delivery.ReplyTo is null)
        {
            await delivery.RejectAsync(requeue: false).ConfigureAwait(false);
            return;
        }

        var result = new JobResult(error.JobId, error.Attempt, options.Name, RunReport.Rejected(error.Field, error.Reason));
        await DeliverAsync(delivery, delivery.CorrelationId ?? error.JobId, JobResultCodec.Encode(result), abandoned).ConfigureAwait(false);
    }

    private async Task<ReadOnlyMemory<byte>> RunAsync(Job job, CancellationToken stopping, CancellationToken abandoned)
    {
        await slots.WaitAsync(stopping).ConfigureAwait(false);
        try
        {
            var started = Stopwatch.GetTimestamp();
            logger.JobStarted(job.JobId, job.Attempt, job.Request.Image, job.Request.Steps.Count);
            RunReport? report;
            while ((report = await TryRunAsync(job, abandoned).ConfigureAwait(false)) is null)
            {
                // Others of this account, agents or commands, have all the room. The job keeps its slot here, so that no more are begun, until they end.
                await Task.Delay(roomPause, stopping).ConfigureAwait(false);
            }

            abandoned.ThrowIfCancellationRequested();
            var elapsedMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            logger.JobFinished(job.JobId, job.Attempt, report.Outcome, elapsedMs);
            return ResultFit.Encode(new JobResult(job.JobId, job.Attempt, options.Name, report), WireFormat.MaxResult);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>The job's report; nothing where the host has no room for one more sandbox now.</summary>
    private async Task<RunReport?> TryRunAsync(Job job, CancellationToken abandoned)
    {
        try
        {
            return await runner(job.Request, abandoned).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
        {
            throw;
        }
        catch (CapacityException error)
        {
            logger.JobWaits(job.JobId, job.Attempt, error.Message);
            return null;
        }
        catch (RejectedRequestException error)
        {
            return RunReport.Rejected(error.Field, error.Message);
        }
        catch (ImageUnavailableException error)
        {
            return new RunReport { Outcome = Outcome.ImageUnavailable, Field = error.Field, Message = error.Message };
        }
        catch (Exception error)
        {
            logger.JobFailed(job.JobId, job.Attempt, error);
            var what = error is ContingiousException ? error.Message : $"The agent {options.Name} failed ({error.GetType().Name}); its log says more.";
            return new RunReport { Outcome = Outcome.InternalError, Message = what };
        }
    }

    private async Task DeliverAsync(Delivery delivery, string correlationId, ReadOnlyMemory<byte> result, CancellationToken abandoned)
    {
        var fate = delivery.ReplyTo is { } replyTo
            ? await publisher.PublishAsync(replyTo, correlationId, result, abandoned).ConfigureAwait(false)
            : PublishFate.Unroutable;
        switch (fate)
        {
            case PublishFate.Confirmed:
                await delivery.AckAsync().ConfigureAwait(false);
                break;
            case PublishFate.Unroutable:
                logger.ResultUnclaimed(correlationId, delivery.ReplyTo ?? "");
                await delivery.AckAsync().ConfigureAwait(false);
                break;
            case PublishFate.Refused:
                await delivery.RejectAsync(requeue: false).ConfigureAwait(false);
                break;
            case PublishFate.Lost:
                logger.ResultHeld(correlationId);
                break;
        }
    }
}
