using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>
/// Whether the agent is fit to take jobs. Three faults of ours within a minute are no accident: until something proves that a sandbox
/// works here, other agents do better. A job that fails again and again is one fault, and so is the end of a runner, however many jobs it had.
/// </summary>
internal sealed class AgentStanding(TimeProvider time) : IDisposable
{
    /// <summary>So many faults…</summary>
    public const int FaultsToQuarantine = 3;

    /// <summary>… within so long.</summary>
    public static readonly TimeSpan FaultWindow = TimeSpan.FromSeconds(60);

    private readonly Lock access = new();

    /// <summary>Called when it goes under quarantine or is fit again.</summary>
    public Action Changed { get; init; } = () => { };

    private readonly Queue<(long At, object Origin)> faults = new();
    private Standing now = new(AgentState.Starting, time.GetUtcNow(), "");
    private CancellationTokenSource unfit = Cancelled();
    private CancellationTokenSource quarantined = new();
    private TaskCompletionSource? becomingReady;

    /// <summary>The state, since when it is so, and why.</summary>
    public Standing Now
    {
        get
        {
            lock (access) return now;
        }
    }

    /// <summary>Cancelled when the agent takes no jobs, for whatever reason.</summary>
    public CancellationToken Unfit
    {
        get
        {
            lock (access) return unfit.Token;
        }
    }

    /// <summary>Cancelled when the agent is put under quarantine.</summary>
    public CancellationToken Quarantined
    {
        get
        {
            lock (access) return quarantined.Token;
        }
    }

    /// <summary>Waits until the agent may take jobs. One asks at a time.</summary>
    /// <exception cref="OperationCanceledException">Asked to.</exception>
    public async Task WhenReadyAsync(CancellationToken cancellation)
    {
        var ready = new TaskCompletionSource();
        lock (access)
        {
            if (now.State == AgentState.Ready) return;
            becomingReady = ready;
        }

        using var registration = cancellation.UnsafeRegister(_ => ready.TrySetCanceled(cancellation), null);
        await ready.Task.ConfigureAwait(false);
    }

    /// <summary>The agent has begun, or a job has passed that was to show whether the sandbox works.</summary>
    public void Fit()
    {
        TaskCompletionSource? waited;
        lock (access)
        {
            if (now.State is AgentState.Ready or AgentState.Draining) return;
            faults.Clear();
            now = new Standing(AgentState.Ready, time.GetUtcNow(), "");
            unfit = new CancellationTokenSource();
            if (quarantined.IsCancellationRequested) quarantined = new CancellationTokenSource();
            (waited, becomingReady) = (becomingReady, null);
        }

        waited?.TrySetResult();
        Changed();
    }

    /// <summary>A fault that was this host's or this program's, which a job met.</summary>
    /// <param name="reason">A sentence.</param>
    /// <param name="job">However often it fails, it counts once: it may be what is special, and not the host.</param>
    /// <returns>Whether it was one too many, and the agent is now under quarantine.</returns>
    public bool Fault(string reason, JobKey job) => Add(reason, job);

    /// <summary>A runner ended in the middle of its work; whoever had a job there says so, and it counts once.</summary>
    /// <returns>Whether it was one too many, and the agent is now under quarantine.</returns>
    public bool Fault(RunnerLostException lost) => Add(lost.Message, lost.Runner);

    /// <summary>No jobs any more, for good.</summary>
    public void Drain() => Become(AgentState.Draining, "");

    public void Dispose()
    {
        unfit.Dispose();
        quarantined.Dispose();
    }

    private bool Add(string reason, object origin)
    {
        lock (access)
        {
            faults.Enqueue((time.GetTimestamp(), origin));
            while (time.GetElapsedTime(faults.Peek().At) > FaultWindow) faults.Dequeue();
            if (now.State != AgentState.Ready || faults.Select(fault => fault.Origin).Distinct().Count() < FaultsToQuarantine) return false;
        }

        Become(AgentState.Quarantined, $"{FaultsToQuarantine} faults within {FaultWindow.TotalSeconds:0} s, the last: {reason}");
        Quarantine();
        Changed();
        return true;
    }

    private void Quarantine()
    {
        CancellationTokenSource told;
        lock (access) told = quarantined;
        told.Cancel();
    }

    private void Become(AgentState state, string why)
    {
        CancellationTokenSource told;
        lock (access)
        {
            if (now.State == AgentState.Draining) return;
            now = new Standing(state, time.GetUtcNow(), why);
            told = unfit;
        }

        told.Cancel();
    }

    private static CancellationTokenSource Cancelled()
    {
        var source = new CancellationTokenSource();
        source.Cancel();
        return source;
    }
}

/// <summary>How the agent is.</summary>
/// <param name="State">Whether it takes jobs.</param>
/// <param name="Since">Since when, UTC.</param>
/// <param name="Reason">Why it is under quarantine; empty else.</param>
internal sealed record Standing(AgentState State, DateTimeOffset Since, string Reason);
