using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>
/// Every job that this runner knows. One that is asked for is (1) joined where it runs, (2) answered where its result is kept, (3) refused where it has ended its runner
/// before, else (4) run, its result kept and (5) told to all who ask.
/// </summary>
internal sealed class JobTable(RunnerOptions options, ObservedRun run, Journal journal, CrashJournal crashes, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly Lock access = new();
    private readonly Dictionary<JobKey, RunningJob> running = [];

    // Nobody waits here for long: a delivery must be answered in time.
    private static readonly TimeSpan suspectPatience = TimeSpan.FromSeconds(1);

    // Jobs with whom a runner has died run one at a time: the next death tells which of them it was.
    private readonly SemaphoreSlim suspects = new(1);

    // A job is answered before its sandbox is given back; but no more of them are being given back than there are CPUs to do it, so that they cannot pile up.
    private readonly SemaphoreSlim releases = new(Environment.ProcessorCount);
    private int releasing;
    private bool retired;

    /// <summary>Called whenever a run is over.</summary>
    public Action Ended { get; set; } = () => { };

    /// <summary>Jobs that run, and those that are answered and whose sandboxes are being given back.</summary>
    public int Running
    {
        get
        {
            lock (access) return running.Count + releasing;
        }
    }

    public bool IsRetired
    {
        get
        {
            lock (access) return retired;
        }
    }

    /// <summary>From now on nothing new is begun.</summary>
    public void Retire()
    {
        lock (access) retired = true;
    }

    /// <summary>Joins, answers or begins a job.</summary>
    /// <param name="order">The job; without a message where it is only to be joined.</param>
    /// <param name="agent">The name that its result says.</param>
    /// <param name="asker">Who is told.</param>
    /// <param name="number">What the asker knows it by.</param>
    /// <param name="joinOnly">An unknown job is not begun.</param>
    public void Ask(JobOrder order, string agent, IAsker asker, uint number, bool joinOnly)
    {
        while (true)
        {
            RunningJob? job;
            var isNew = false;
            lock (access)
            {
                if (!running.TryGetValue(order.Key, out job) && !joinOnly && !retired)
                {
                    running.Add(order.Key, job = new RunningJob(order));
                    isNew = true;
                }
            }

            if (job is null)
            {
                if (journal.Find(order.Key) is { } kept) asker.Tell(Frame.Encode(FrameKind.Answer, number, AnswerMessage.Write(new RunAnswer(kept.Outcome, kept.Result, Repeated: true))));
                else asker.Tell(Frame.Encode(joinOnly ? FrameKind.Unknown : FrameKind.Retiring, number));
                return;
            }

            // One that has just ended is in the journal now.
            if (!job.TryAdd(asker, number)) continue;
            if (isNew) _ = Task.Run(() => HandleAsync(job, agent));
            return;
        }
    }

    /// <summary>Ends a run, where there is one.</summary>
    public void Cancel(JobKey key, bool abandon)
    {
        RunningJob? job;
        lock (access) job = running.GetValueOrDefault(key);
        job?.Cancel(abandon);
    }

    public void AbandonAll()
    {
        foreach (var job in Jobs()) job.Cancel(abandon: true);
    }

    /// <summary>An asker is gone; the runs go on.</summary>
    public void Forget(IAsker asker)
    {
        foreach (var job in Jobs()) job.Remove(asker);
    }

    /// <summary>Jobs that run, and those whose results nobody has settled. They may be many and large: each is read when its turn comes.</summary>
    public IEnumerable<JobOrder> Unsettled() => Jobs().Select(job => job.Order).Concat(journal.Unsettled()).DistinctBy(order => order.Key);

    public void Settle(JobKey key) => journal.Settle(key);

    public void Dispose()
    {
        suspects.Dispose();
        releases.Dispose();
    }

    private RunningJob[] Jobs()
    {
        lock (access) return [.. running.Values];
    }

    private async Task HandleAsync(RunningJob job, string agent)
    {
        var key = job.Order.Key;
        (FrameKind Kind, FieldWriter? Fields) end;
        try
        {
            end = await AnswerAsync(job, agent).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            logger.RunFailed(key.JobId, key.Attempt, error);
            end = Told(InternalError(job.Order, agent, $"The runner failed ({error.GetType().Name}: {error.Message})"));
        }

        lock (access) running.Remove(key);
        job.End(end.Kind, end.Fields);
        job.Dispose();
        Ended();
    }

    private async Task<(FrameKind Kind, FieldWriter? Fields)> AnswerAsync(RunningJob job, string agent)
    {
        var key = job.Order.Key;
        if (journal.Find(key) is { } kept) return Told(new RunAnswer(kept.Outcome, kept.Result, Repeated: true));
        var deaths = crashes.DeathsOf(key);
        if (deaths >= CrashJournal.TooMany)
        {
            logger.RunRefused(key.JobId, key.Attempt, deaths);
            return Told(InternalError(job.Order, agent, "The job has ended its runner twice and is not run again. Its submission, or a fault of ours that it meets, is to be looked at.") with { Final = true });
        }

        if (deaths == 0) return await RunAsync(job, agent).ConfigureAwait(false);
        try
        {
            if (!await suspects.WaitAsync(suspectPatience, job.Ending).ConfigureAwait(false)) return (FrameKind.NoRoom, new FieldWriter().Text("A runner died while this job ran. Such jobs run one at a time, and another one of them runs now."));
        }
        catch (OperationCanceledException)
        {
            // Cancelled before its turn: it is not begun.
            return await RunAsync(job, agent).ConfigureAwait(false);
        }

        try
        {
            return await RunAsync(job, agent).ConfigureAwait(false);
        }
        finally
        {
            suspects.Release();
        }
    }

    private async Task<(FrameKind Kind, FieldWriter? Fields)> RunAsync(RunningJob job, string agent)
    {
        var key = job.Order.Key;
        var acquitted = false;
        crashes.Begin(key);
        try
        {
            var events = new RunEvents(key, time, happened => job.Tell(FrameKind.Event, EventMessage.Write(happened), happened.Kind == JobEventKind.Output));
            var report = await ReportAsync(job, events).ConfigureAwait(false);
            if (job.IsAbandoned) return (FrameKind.Abandoned, null);
            if (job.IsCancelled && report.Outcome != Outcome.InternalError) report = report with { Outcome = Outcome.Cancelled, Message = "The job was cancelled." };
            acquitted = true;
            var result = ResultFit.Encode(new JobResult(key.JobId, key.Attempt, agent, report), WireFormat.MaxResult);

            // Not a fault of ours: that may be tried again.
            if (report.Outcome != Outcome.InternalError) journal.Keep(job.Order, report.Outcome, result);
            return Told(new RunAnswer(report.Outcome, result, Repeated: false));
        }
        catch (CapacityException error)
        {
            return job.IsAbandoned ? (FrameKind.Abandoned, null) : (FrameKind.NoRoom, new FieldWriter().Text(error.Message));
        }
        finally
        {
            crashes.End(key, acquitted);
        }
    }

    /// <summary>Runs the job. What is wrong with it, or with us, is in the report.</summary>
    private async Task<RunReport> ReportAsync(RunningJob job, RunEvents events)
    {
        var key = job.Order.Key;
        try
        {
            job.Ending.ThrowIfCancellationRequested();
            using var span = JobActivity.StartRun(job.Order.TraceParent, key, job.Order.Class);
            var decoded = JobCodec.Decode(job.Order.Message, options.LimitsOf(job.Order.Class));
            var report = await ConclusionAsync(run(decoded.Request, events, job.Ending), events).ConfigureAwait(false);
            JobActivity.End(span, report.Outcome);
            return report;
        }
        catch (OperationCanceledException) when (job.IsCancelled)
        {
            return new RunReport { Outcome = Outcome.Cancelled, Message = "The job was cancelled." };
        }
        catch (WireException error)
        {
            return RunReport.Rejected(error.Field, error.Reason);
        }
        catch (RejectedRequestException error)
        {
            return RunReport.Rejected(error.Field, error.Message);
        }
        catch (ImageUnavailableException error)
        {
            return new RunReport { Outcome = Outcome.ImageUnavailable, Field = error.Field, Message = error.Message };
        }
        catch (Exception error) when (error is not CapacityException)
        {
            logger.RunFailed(key.JobId, key.Attempt, error);
            return new RunReport { Outcome = Outcome.InternalError, Message = error is ContingiousException ? error.Message : $"The runner failed ({error.GetType().Name}); its log says more." };
        }
    }

    /// <summary>Waits for a run's report, and not for its sandbox to be given back, unless too many are.</summary>
    private async Task<RunReport> ConclusionAsync(Task<RunReport> whole, RunEvents events)
    {
        await Task.WhenAny(events.Conclusion, whole).ConfigureAwait(false);
        if (whole.IsCompleted) return await whole.ConfigureAwait(false);
        await releases.WaitAsync().ConfigureAwait(false);
        lock (access) releasing++;
        _ = ReleasedAsync(whole);
        return await events.Conclusion.ConfigureAwait(false);
    }

    private async Task ReleasedAsync(Task<RunReport> whole)
    {
        // What went wrong with it is in the engine's log.
        await ((Task)whole).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (access) releasing--;
        releases.Release();
        Ended();
    }

    private static (FrameKind Kind, FieldWriter? Fields) Told(RunAnswer answer) => (FrameKind.Answer, AnswerMessage.Write(answer));

    private static RunAnswer InternalError(JobOrder order, string agent, string message)
    {
        var report = new RunReport { Outcome = Outcome.InternalError, Message = message };
        return new RunAnswer(report.Outcome, JobResultCodec.Encode(new JobResult(order.Key.JobId, order.Key.Attempt, agent, report)), Repeated: false);
    }
}
