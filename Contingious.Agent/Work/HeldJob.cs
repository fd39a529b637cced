namespace Contingious.Agent.Work;

/// <summary>
/// What ends the wait of a job that has not begun: it was decided elsewhere or cancelled, its time is over, the broker has taken it back,
/// or the agent takes no more jobs. A job that an earlier agent began has begun, and only the first two end it.
/// </summary>
internal sealed class HeldJob : IDisposable
{
    // A timer can be no longer than about 49 days. No job is with an agent for that long.
    private static readonly TimeSpan longestTimer = TimeSpan.FromDays(40);

    /// <summary>How long a job waits here, for room and for the host, before it is given back: the broker takes back what is held for too long.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private readonly TimeProvider time;
    private readonly CancellationToken cancelAsked;
    private readonly CancellationToken decided;
    private readonly CancellationTokenSource expiry = new();
    private readonly CancellationTokenSource any;
    private readonly TimeSpan left = TimeSpan.MaxValue;
    private readonly long began;
    private readonly ITimer? timer;
    private readonly CancellationTokenSource patience;

    public HeldJob(JobCase job, TimeProvider time, CancellationToken cancelAsked, CancellationToken decided, CancellationToken quarantined, CancellationToken draining)
    {
        this.time = time;
        this.cancelAsked = cancelAsked;
        this.decided = decided;
        patience = new CancellationTokenSource(LongestWait, time);
        any = job.IsAdopted
            ? CancellationTokenSource.CreateLinkedTokenSource(cancelAsked, decided)
            : CancellationTokenSource.CreateLinkedTokenSource([cancelAsked, decided, quarantined, draining, job.Unwanted, expiry.Token, patience.Token]);
        began = time.GetTimestamp();
        if (job.Job.StartBefore is not { } deadline) return;

        // Once, here: a wall clock that is set afterwards neither kills a job nor lets it wait for ever.
        left = deadline - time.GetUtcNow();
        if (left <= TimeSpan.Zero) expiry.Cancel();
        else if (left < longestTimer) timer = time.CreateTimer(static state => ((CancellationTokenSource?)state)?.Cancel(), expiry, left, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => any.Token;

    public bool IsDecided => decided.IsCancellationRequested;

    public bool IsCancelAsked => cancelAsked.IsCancellationRequested;

    public bool IsExpired => expiry.IsCancellationRequested;

    /// <summary>What ended its wait is no end of the job: it is given back, and comes again to this agent or to another.</summary>
    public bool ComesAgain => !IsDecided && !IsCancelAsked && !IsExpired;

    /// <summary>How long its time has been over.</summary>
    public TimeSpan Late => time.GetElapsedTime(began) - left;

    public void Dispose()
    {
        timer?.Dispose();
        any.Dispose();
        patience.Dispose();
        expiry.Dispose();
    }
}
