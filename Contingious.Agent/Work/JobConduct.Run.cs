using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>(4) The run, from the room that it has to the result that it comes to.</summary>
internal sealed partial class JobConduct
{
    private static readonly TimeSpan firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan cancelPause = TimeSpan.FromSeconds(1);

    private async Task<CaseEnd> RunAsync(JobCase job, HeldJob wait, Admission.Room room)
    {
        Tell(job, JobEventKind.Accepted);
        logger.JobStarted(job.Key.JobId, job.Key.Attempt, job.Job.Request.Image, job.Job.Request.Steps.Count);
        var began = time.GetTimestamp();
        for (var pause = firstPause; ; pause = pause * 2 < longestPause ? pause * 2 : longestPause)
        {
            try
            {
                var answer = await RunOnceAsync(job, room).ConfigureAwait(false);
                var elapsedMs = time.GetElapsedTime(began).TotalMilliseconds;
                logger.JobFinished(job.Key.JobId, job.Key.Attempt, answer.Outcome, elapsedMs);
                if (!answer.Repeated) AgentTelemetry.Ran(answer.Result);
                room.Dispose();
                return await SettleRunAsync(job, answer).ConfigureAwait(false);
            }
            catch (CapacityException error)
            {
                // Others of this account, agents or commands, have all the room. The job keeps its own here, so that no more are begun.
                logger.JobWaits(job.Key.JobId, job.Key.Attempt, error.Message);
            }
            catch (RunnerLostException error)
            {
                // Which of its jobs ended it is for the runner's journal to tell, and is none's try here.
                logger.JobInterrupted(job.Key.JobId, job.Key.Attempt, error.Message);
                AgentTelemetry.InfraFault();
                if (standing.Fault(error)) logger.Quarantined(options.Name, error.Message);
                return await ExcuseAsync(job).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!stops.Leaving.IsCancellationRequested && !stops.Abandoned.IsCancellationRequested)
            {
                // Somebody told the runner to end, and it did: nothing is wrong with this host.
                logger.JobInterrupted(job.Key.JobId, job.Key.Attempt, "its runner was told to end");
                return await ExcuseAsync(job).ConfigureAwait(false);
            }

            job.Phase = CasePhase.Held;
            job.Place();
            await Pause.ForAsync(pause, time, wait.Token, stops.Draining).ConfigureAwait(false);
            if (wait.Token.IsCancellationRequested) return await EndHeldAsync(job, wait).ConfigureAwait(false);
            if (stops.Draining.IsCancellationRequested) return new CaseEnd.GiveBack();
        }
    }

    /// <summary>What the runner says, or why it says nothing, as an answer of ours.</summary>
    /// <exception cref="CapacityException">The host has no room now. Nothing was begun.</exception>
    /// <exception cref="OperationCanceledException">The run was given up, or goes on without this agent.</exception>
    /// <exception cref="RunnerLostException">The runner ended, and the run with it.</exception>
    private async Task<RunAnswer> RunOnceAsync(JobCase job, Admission.Room room)
    {
        using var over = new CancellationTokenSource();
        var ended = over.Token;
        var stepsOver = 0;
        try
        {
            job.Phase = CasePhase.Running;
            var running = parts.Runner.RunAsync(job.Ticket, Hear, stops.Leaving);

            using var decided = parts.Decisions.Decided(job.Key).UnsafeRegister(_ => _ = EndRunAsync(job, abandon: true, ended), null);
            using var cancelled = CancelAsked(job).UnsafeRegister(_ => _ = EndRunAsync(job, abandon: false, ended), null);
            using var abandoned = stops.Abandoned.UnsafeRegister(_ => _ = EndRunAsync(job, abandon: true, ended), null);
            job.Place();
            return await running.ConfigureAwait(false);
        }
        catch (Exception error) when (error is not (CapacityException or OperationCanceledException or RunnerLostException))
        {
            logger.JobFailed(job.Key.JobId, job.Key.Attempt, error);
            var what = error is ContingiousException ? error.Message : $"The agent {options.Name} failed ({error.GetType().Name}); its log says more.";
            return new RunAnswer(Outcome.InternalError, answers.Failed(job.Job, what), Repeated: false);
        }
        catch (OperationCanceledException) when (parts.Decisions.Decided(job.Key).IsCancellationRequested && !stops.Leaving.IsCancellationRequested)
        {
            // Given up because another agent was first: what this answer says does not matter, the log has the one that does.
            return new RunAnswer(Outcome.Cancelled, answers.Cancelled(job.Job), Repeated: true);
        }
        finally
        {
            End();
        }

        void End() => over.Cancel();

        // A run in which not every step's turn comes ends without that.
        void Hear(JobEvent happened)
        {
            if (happened.Kind == JobEventKind.Step && Interlocked.Increment(ref stepsOver) == job.Job.Request.Steps.Count) room.EndsSoon();
            parts.Events.Post(happened);
        }
    }

    /// <summary>For another try, without counting this one.</summary>
    private async Task<CaseEnd> ExcuseAsync(JobCase job)
    {
        faults.Excuse(job.Key);
        await Pause.ForAsync(pauseAfterFault, time, stops.Draining).ConfigureAwait(false);
        return new CaseEnd.GiveBack();
    }

    private async Task<CaseEnd> SettleRunAsync(JobCase job, RunAnswer answer)
    {
        if (parts.Decisions.Decided(job.Key).IsCancellationRequested && await parts.Decisions.FindAsync(job.Key, stops.Abandoned).ConfigureAwait(false) is { } known)
        {
            _ = SettleAsync(job.Key);
            return new CaseEnd.Final(known, Repeated: true);
        }

        var (result, deadLetter) = (answer.Result, false);
        if (CancelAsked(job).IsCancellationRequested)
        {
            // Asked for before there was a final result: so it is that, also where the run was over in the same moment.
            if (answer.Outcome != Outcome.Cancelled) result = answers.Cancelled(job.Job);
        }
        else if (answer.Outcome is Outcome.InternalError or Outcome.AgentLost)
        {
            deadLetter = answer.Final;
            if (!deadLetter)
            {
                Count(job.Key, JobAnswers.MessageOf(result));
                if (job.IsAdopted || faults.Add(job.Key, job.GivenBack) < options.Tries)
                {
                    await Pause.ForAsync(pauseAfterFault, time, stops.Draining).ConfigureAwait(false);
                    return new CaseEnd.GiveBack();
                }
            }
        }
        else if (answer.Outcome is not (Outcome.RejectedSpec or Outcome.ImageUnavailable))
        {
            LastGoodImage = job.Job.Request.Image;
        }

        var end = await DecideAsync(job, result, answer.Repeated, deadLetter).ConfigureAwait(false);

        // What the runner keeps longer than it must is no reason for whoever waits for the result to wait.
        _ = SettleAsync(job.Key);
        return end;
    }

    /// <summary>Tells the runner until the run has ended: what is said first may arrive before the run does.</summary>
    private async Task EndRunAsync(JobCase job, bool abandon, CancellationToken ended)
    {
        // A run that was left to the next agent is not this one's to end.
        while (!ended.IsCancellationRequested && !stops.Leaving.IsCancellationRequested)
        {
            await CancelRunAsync(job.Key, abandon).ConfigureAwait(false);
            await Pause.ForAsync(cancelPause, time, ended, stops.Leaving).ConfigureAwait(false);
        }
    }

    private void Tell(JobCase job, JobEventKind kind) => parts.Events.Post(new JobEvent(job.Key.JobId, job.Key.Attempt, kind, time.GetUtcNow()));
}
