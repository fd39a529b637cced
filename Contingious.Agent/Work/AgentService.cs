using Contingious.Agent.Telemetry;
using Contingious.Engine;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// The agent as the host runs it: opens its parts and begins; on a stop takes no more jobs, finishes what runs, and closes them.
/// </summary>
internal sealed class AgentService(AgentOptions options, IAgentPartsSource source, TimeProvider time, ILogger<AgentService> logger) : BackgroundService
{
    /// <summary>After the grace is over, or when it leaves: what the agent gets for giving back what it holds.</summary>
    private static readonly TimeSpan closingTime = TimeSpan.FromSeconds(10);

    /// <summary>What the parts get for closing, which is more than a runner gets for ending.</summary>
    private static readonly TimeSpan partsTime = TimeSpan.FromSeconds(30);

    private AgentWork? work;
    private bool isLeaving;

    /// <summary>How it is; nothing before it has begun.</summary>
    public Standing? Standing => work?.Standing.Now;

    /// <summary>What it says of itself; nothing before it has begun.</summary>
    public Wire.AgentStatus? Status => work?.Heartbeat.Status();

    /// <summary>What it has to do, for gauges.</summary>
    public AgentSnapshot Snapshot(AgentOptions of) => Status is { } now
        ? new AgentSnapshot(Wire.WireNames<Wire.AgentState>.Of(now.State), of.Total, work?.Admission.Free ?? of.Total, now.Running, now.Held)
        : new AgentSnapshot("starting", of.Total, of.Total, 0, 0);

    /// <exception cref="ContingiousException">The broker or the runner cannot be had; the sentence says what to do.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            work = new AgentWork(options, await source.OpenAsync(cancellationToken).ConfigureAwait(false), time, logger);
        }
        catch
        {
            await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        work.Start();
        logger.AgentStarted(options.Name, options.Slots);
        await base.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Somebody wants to know how it is.</summary>
    public void SayStatus() => work?.Heartbeat.Ask();

    /// <summary>Ends at once. What runs goes on in the runner, and the next agent of this account adopts it.</summary>
    public async Task LeaveAsync()
    {
        if (work is null) return;
        isLeaving = true;
        logger.AgentLeaving(options.Name, work.Desk.Cases.Count);
        var left = work.LeaveAsync();
        if (await IsOverAsync(left, closingTime).ConfigureAwait(false)) return;

        // Something waits for the broker. No run is left that this could end.
        work.Abandon();
        if (!await IsOverAsync(left, closingTime).ConfigureAwait(false)) logger.EndingStuck(closingTime.TotalSeconds);
    }

    /// <summary>Finishes the running jobs; when <paramref name="cancellationToken"/> says that the grace is over they are abandoned.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        if (work is not null)
        {
            logger.AgentStopping(work.Desk.Cases.Count);
            var drained = work.DrainAsync();
            var graceOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = cancellationToken.UnsafeRegister(_ => graceOver.TrySetResult(), null);
            if (isLeaving || await Task.WhenAny(drained, graceOver.Task).ConfigureAwait(false) != drained) work.Abandon();
            else if (drained.IsCompletedSuccessfully) source.Finished();
            if (!await IsOverAsync(drained, closingTime).ConfigureAwait(false)) logger.EndingStuck(closingTime.TotalSeconds);
        }

        await base.StopAsync(CancellationToken.None).ConfigureAwait(false);
        if (!await IsOverAsync(source.DisposeAsync().AsTask(), partsTime).ConfigureAwait(false)) logger.EndingStuck(partsTime.TotalSeconds);
        logger.AgentStopped(options.Name);
    }

    public override void Dispose()
    {
        work?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (work is null) throw new InvalidOperationException("The agent was not started.");
        try
        {
            await work.Ended.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The stop has waited as long as it may.
        }
    }

    /// <summary>Waits for something's end, but no longer than so.</summary>
    /// <returns>Whether it has ended, in whatever way.</returns>
    private static async Task<bool> IsOverAsync(Task ending, TimeSpan most) =>
        await Task.WhenAny(ending, Task.Delay(most)).ConfigureAwait(false) == ending;
}
