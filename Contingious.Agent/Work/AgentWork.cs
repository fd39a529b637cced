using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>An agent at work: takes jobs while it is fit and has room, tells how it is, and ends in one of three ways.</summary>
internal sealed class AgentWork : IDisposable
{
    private static readonly TimeSpan pauseAfterFault = TimeSpan.FromSeconds(1);

    private readonly AgentOptions options;
    private readonly AgentParts parts;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly AgentStops stops = new();
    private readonly JobConduct conduct;
    private readonly CancellationTokenSource finished = new();
    private readonly Lock access = new();
    private int handling;
    private TaskCompletionSource? idle;
    private Task loops = Task.CompletedTask;

    public AgentWork(AgentOptions options, AgentParts parts, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.parts = parts;
        this.time = time;
        this.logger = logger;
        Standing = new AgentStanding(time) { Changed = () => Heartbeat?.Ask() };
        Admission = new Admission(options.Total, time);
        conduct = new JobConduct(options, parts, Admission, Standing, stops, time, logger);
        Desk = new JobDesk(options, parts, conduct, Admission, stops, time, logger);
        Heartbeat = new Heartbeat(options, parts, this, time, logger);
    }

    public AgentStanding Standing { get; }

    public Admission Admission { get; }

    public JobDesk Desk { get; }

    public Heartbeat Heartbeat { get; }

    /// <summary>Ends when the agent has ended, in whatever way.</summary>
    public Task Ended => loops;

    /// <summary>Adopts what an earlier agent left, and begins.</summary>
    public void Start()
    {
        if (parts.Runner.Adopted.Count > 0) logger.Adopting(options.Name, parts.Runner.Adopted.Count);
        foreach (var ticket in parts.Runner.Adopted) _ = TrackAsync(Desk.Adopt(ticket));
        Standing.Fit();
        var selfTest = new SelfTest(options, parts, conduct, Admission, Standing, time, logger);
        loops = Task.WhenAll(WorkAsync(), selfTest.RepeatAsync(stops.Draining), Heartbeat.RepeatAsync(finished.Token));
    }

    /// <summary>Takes no more jobs, and waits until those that run are finished and answered.</summary>
    public async Task DrainAsync()
    {
        Standing.Drain();
        stops.Drain();
        Heartbeat.Ask();
        await loops.ConfigureAwait(false);
    }

    /// <summary>The grace is over: gives the runs up. Their jobs go to other agents.</summary>
    public void Abandon() => stops.Abandon();

    /// <summary>Ends at once, and leaves the runs to the runner and to the next agent.</summary>
    public async Task LeaveAsync()
    {
        Standing.Drain();
        stops.Leave();
        await loops.ConfigureAwait(false);
    }

    public void Dispose()
    {
        finished.Dispose();
        stops.Dispose();
        Standing.Dispose();
        Heartbeat.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await TakeAsync().ConfigureAwait(false);
        }
        finally
        {
            Finish();
        }

        void Finish() => finished.Cancel();
    }

    /// <summary>Until the agent drains, and what runs is answered.</summary>
    private async Task TakeAsync()
    {
        while (!stops.Draining.IsCancellationRequested)
        {
            try
            {
                await Standing.WhenReadyAsync(stops.Draining).ConfigureAwait(false);
                var unfit = Standing.Unfit;
                await Admission.WhenOpenAsync(unfit).ConfigureAwait(false);
                var delivery = await parts.Jobs.TakeAsync(unfit).ConfigureAwait(false);
                var placed = new TaskCompletionSource();
                _ = TrackAsync(Desk.HandleAsync(delivery, placed));
                await placed.Task.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Not fit, or draining: the loop sees which.
            }
            catch (Exception error)
            {
                logger.TakingFailed(error);
                await Pause.ForAsync(pauseAfterFault, time, stops.Draining).ConfigureAwait(false);
            }
        }

        lock (access)
        {
            if (handling == 0) return;
            idle = new TaskCompletionSource();
        }

        await idle.Task.ConfigureAwait(false);
    }

    private async Task TrackAsync(Task job)
    {
        lock (access) handling++;
        await job.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        TaskCompletionSource? told;
        lock (access) told = --handling == 0 ? idle : null;
        told?.TrySetResult();
    }
}
