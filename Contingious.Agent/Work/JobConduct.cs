using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// Takes one job from being decoded to its final result: known, admitted, run, decided (<see cref="JobDesk"/>'s 2 to 5).
/// </summary>
internal sealed partial class JobConduct(
    AgentOptions options, AgentParts parts, Admission admission, AgentStanding standing, AgentStops stops, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan pauseAfterFault = TimeSpan.FromSeconds(1);

    private readonly JobAnswers answers = new(options.Name);
    private readonly FaultBook faults = new();

    /// <summary>The image that a job ran in last and was not failed by this host.</summary>
    public string? LastGoodImage { get; private set; }

    /// <summary>It never throws: what goes wrong here is a fault of ours, and the job is for another try.</summary>
    public async Task<CaseEnd> ResolveAsync(JobCase job)
    {
        try
        {
            return await KnownAsync(job).ConfigureAwait(false) ?? await AdmitAndRunAsync(job).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stops.Leaving.IsCancellationRequested)
        {
            return new CaseEnd.Left();
        }
        catch (OperationCanceledException) when (stops.Abandoned.IsCancellationRequested)
        {
            return new CaseEnd.GiveBack();
        }
        catch (Exception error)
        {
            logger.JobFailed(job.Key.JobId, job.Key.Attempt, error);
            Count(job.Key, error.Message);
            await Pause.ForAsync(pauseAfterFault, time, stops.Draining).ConfigureAwait(false);
            return new CaseEnd.GiveBack();
        }
    }

    /// <summary>(2) What needs no run: its result is known, or it was given back so often that it is not tried again.</summary>
    private async Task<CaseEnd?> KnownAsync(JobCase job)
    {
        if (job.WasDelivered) await parts.Decisions.CatchUpAsync(stops.Abandoned).ConfigureAwait(false);
        if (await parts.Decisions.FindAsync(job.Key, stops.Abandoned).ConfigureAwait(false) is { } known)
        {
            if (job.IsAdopted) await ForgetAsync(job.Key).ConfigureAwait(false);
            else logger.JobRepeated(job.Key.JobId, job.Key.Attempt, redelivered: job.GivenBack > 0);
            return new CaseEnd.Final(known, Repeated: true);
        }

        if (job.IsAdopted) return null;
        if (CancelAsked(job).IsCancellationRequested) return await DecideAsync(job, answers.Cancelled(job.Job)).ConfigureAwait(false);
        if (job.GivenBack < AgentOptions.MostGivenBack) return null;
        logger.JobPoisonous(job.Key.JobId, job.Key.Attempt, job.GivenBack);
        return await DecideAsync(job, answers.GivenBackTooOften(job.Job, job.GivenBack), deadLetter: true).ConfigureAwait(false);
    }

    /// <summary>(3) and (4).</summary>
    private async Task<CaseEnd> AdmitAndRunAsync(JobCase job)
    {
        using var wait = new HeldJob(job, time, CancelAsked(job), parts.Decisions.Decided(job.Key), standing.Quarantined, stops.Draining);
        Admission.Room room;
        try
        {
            wait.Token.ThrowIfCancellationRequested();
            var entering = job.Room is { } seized ? Task.FromResult(seized) : admission.EnterAsync(job.Key, Capacity.Of(job.Job.Request), () => wait.ComesAgain, wait.Token);
            if (!entering.IsCompleted) job.Place();
            room = await entering.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (wait.Token.IsCancellationRequested)
        {
            return await EndHeldAsync(job, wait).ConfigureAwait(false);
        }

        using (room) return await RunAsync(job, wait, room).ConfigureAwait(false);
    }

    /// <summary>Why a job that had not begun does not begin any more.</summary>
    private async Task<CaseEnd> EndHeldAsync(JobCase job, HeldJob wait)
    {
        // An earlier agent's run goes on in the runner until somebody ends it.
        if (job.IsAdopted) await ForgetAsync(job.Key).ConfigureAwait(false);
        if (wait.IsDecided && await parts.Decisions.FindAsync(job.Key, stops.Abandoned).ConfigureAwait(false) is { } known) return new CaseEnd.Final(known, Repeated: true);
        if (wait.IsCancelAsked) return await DecideAsync(job, answers.Cancelled(job.Job)).ConfigureAwait(false);
        if (wait.IsExpired) return await DecideAsync(job, answers.Expired(job.Job, wait.Late)).ConfigureAwait(false);
        return job.Unwanted.IsCancellationRequested ? new CaseEnd.Dropped() : new CaseEnd.GiveBack();
    }

    /// <summary>(5) Which result is final is for the log to say.</summary>
    private async Task<CaseEnd> DecideAsync(JobCase job, ReadOnlyMemory<byte> result, bool repeated = false, bool deadLetter = false)
    {
        job.Phase = CasePhase.Settling;
        job.Place();
        var final = await parts.Decisions.DecideAsync(job.Key, result, stops.Abandoned).ConfigureAwait(false);
        return new CaseEnd.Final(final, repeated, deadLetter);
    }

    /// <summary>The broker has the result of a run that the runner may still keep, or be busy with.</summary>
    private async Task ForgetAsync(JobKey key)
    {
        await CancelRunAsync(key, abandon: true).ConfigureAwait(false);
        await SettleAsync(key).ConfigureAwait(false);
    }

    private async Task SettleAsync(JobKey key)
    {
        try
        {
            await parts.Runner.SettleAsync(key).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // It keeps the result longer than it must, and answers with it what comes again.
            logger.RunnerDeaf(key.JobId, key.Attempt, error.Message);
        }
    }

    private async Task CancelRunAsync(JobKey key, bool abandon)
    {
        try
        {
            await parts.Runner.CancelAsync(key, abandon).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // A runner that cannot be told has ended or ends; whoever waits for the run hears that.
            logger.RunnerDeaf(key.JobId, key.Attempt, error.Message);
        }
    }

    private CancellationToken CancelAsked(JobCase job) => parts.Control.CancelAsked(job.Key.JobId, job.Key.Attempt);

    private void Count(JobKey job, string reason)
    {
        AgentTelemetry.InfraFault();
        if (standing.Fault(reason, job)) logger.Quarantined(options.Name, reason);
    }
}
