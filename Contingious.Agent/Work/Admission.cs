using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>
/// Who may begin, by what each job may use. The job that waits longest begins first; smaller ones that fit may pass it for a while, then
/// nothing passes it any more, and what ends makes room for it alone. So nothing waits for ever while others come and go: a job that is given back
/// and comes again has waited since it came first.
/// </summary>
/// <remarks>
/// Whoever waits is told outside of the lock and by whoever made the room, so nothing here depends on a scheduler.
/// </remarks>
internal sealed class Admission(Capacity total, TimeProvider time)
{
    /// <summary>How long the job that waits longest is passed by others.</summary>
    public static readonly TimeSpan PassingTime = TimeSpan.FromSeconds(30);

    /// <summary>How long the room that a job has waited for is kept for it when it is given back: the broker delivers it again, mostly at once.</summary>
    public static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(2);

    private const int MostRemembered = 256;

    // The one that waits for room, and one that was taken because it might have passed it: how large a job is shows only when it is there.
    private const int MostWaiting = 2;

    private readonly Lock access = new();

    // The longest first; those too that are given back and may be here again in a moment.
    private readonly List<Waiting> waiting = [];

    // Since when those that were given back have waited.
    private readonly OrderedDictionary<JobKey, long> returning = [];
    private readonly int mostOpen = (2 * total.Slots) + 32;
    private Capacity used = Capacity.None;

    // Of that, what is given back in a moment.
    private Capacity ending = Capacity.None;
    private TaskCompletionSource? opening;
    private int open;

    public Capacity Total => total;

    public Capacity Free
    {
        get
        {
            lock (access) return total.Minus(used);
        }
    }

    /// <summary>Waits until one more job may be asked for: something small could begin, and not too many wait or are being answered. One asks at a time.</summary>
    /// <exception cref="OperationCanceledException">Asked to.</exception>
    public async Task WhenOpenAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var opened = new TaskCompletionSource();
            lock (access)
            {
                if (IsOpen) return;
                opening = opened;
            }

            using var registration = cancellation.UnsafeRegister(_ => opened.TrySetCanceled(cancellation), null);
            await opened.Task.ConfigureAwait(false);
        }
    }

    /// <summary>A job has come; it is one of those being dealt with until what is returned is disposed of.</summary>
    public IDisposable Arrive()
    {
        lock (access) open++;
        return new Arrival(this);
    }

    /// <summary>Waits for room.</summary>
    /// <returns>The room, given back by disposing of it.</returns>
    /// <exception cref="OperationCanceledException">Asked to.</exception>
    public Task<Room> EnterAsync(Capacity need, CancellationToken cancellation) =>
        WaitAsync(new Waiting(null, need.AtMost(total), time.GetTimestamp()), () => false, cancellation);

    /// <summary>Waits for room for a job.</summary>
    /// <param name="key">Names it; where it was here before, it has waited since then.</param>
    /// <param name="need">What it may use.</param>
    /// <param name="comesAgain">Asked when the wait is cancelled: whether it is likely to be here again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The room, given back by disposing of it.</returns>
    /// <exception cref="OperationCanceledException">Asked to.</exception>
    public Task<Room> EnterAsync(JobKey key, Capacity need, Func<bool> comesAgain, CancellationToken cancellation)
    {
        long since;
        lock (access)
        {
            if (!returning.TryGetValue(key, out since)) since = time.GetTimestamp();
        }

        return WaitAsync(new Waiting(key, need.AtMost(total), since), comesAgain, cancellation);
    }

    private async Task<Room> WaitAsync(Waiting mine, Func<bool> comesAgain, CancellationToken cancellation)
    {
        Change(() => Insert(mine));
        using var registration = cancellation.UnsafeRegister(_ => mine.Admitted.TrySetCanceled(cancellation), null);
        try
        {
            return await mine.Admitted.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (mine.Key is { } key && comesAgain()) KeepPlace(mine, key);
            else Change(() => waiting.Remove(mine));
            throw;
        }
    }

    /// <summary>Takes room for what runs already, whether there is enough or not.</summary>
    public Room Seize(Capacity need)
    {
        var seized = need.AtMost(total);
        lock (access) used = used.Plus(seized);
        return new Room(this, seized);
    }

    // One job is asked for while the room for it is about to be given back: it is here when that is, and the host does not stand idle meanwhile.
    private bool IsOpen =>
        open < mostOpen
        && total.Minus(waiting.Count == 0 ? used.Minus(ending) : used).Holds(Capacity.Smallest.AtMost(total))
        && waiting.Count(one => !one.IsAway) < MostWaiting
        && (waiting.Count == 0 || waiting[0].IsAway || MayPass(waiting[0]));

    private void Insert(Waiting mine)
    {
        if (mine.Key is { } key && waiting.FindIndex(one => one.IsAway && one.Key == key) is >= 0 and var kept)
        {
            waiting[kept].Away?.Dispose();
            waiting.RemoveAt(kept);
        }

        var later = waiting.FindIndex(one => one.Since > mine.Since);
        waiting.Insert(later < 0 ? waiting.Count : later, mine);
    }

    /// <summary>Keeps a job's place for a moment, and for longer that it has waited.</summary>
    private void KeepPlace(Waiting mine, JobKey key) => Change(() =>
    {
        returning.TryAdd(key, mine.Since);
        if (returning.Count > MostRemembered) returning.RemoveAt(0);

        // It may have been admitted in the same moment; what it got is given back then.
        if (!waiting.Contains(mine)) return;
        mine.Away = time.CreateTimer(_ => Change(() => waiting.Remove(mine)), null, ReturnTime, Timeout.InfiniteTimeSpan);
    });

    /// <summary>Changes something, and lets begin whoever fits now.</summary>
    private void Change(Action change)
    {
        List<Waiting> admitted = [];
        TaskCompletionSource? opened = null;
        lock (access)
        {
            change();
            Admit(admitted);
            if (IsOpen) (opened, opening) = (opening, null);
        }

        foreach (var one in admitted)
        {
            var room = new Room(this, one.Need);
            // Who gave up at the same moment does not take the room along.
            if (!one.Admitted.TrySetResult(room)) room.Dispose();
        }

        opened?.TrySetResult();
    }

    private void Admit(List<Waiting> admitted)
    {
        for (var i = 0; i < waiting.Count;)
        {
            var one = waiting[i];
            if (i > 0 && !MayPass(waiting[0])) return;
            if (one.IsAway || !total.Minus(used).Holds(one.Need))
            {
                i++;
                continue;
            }

            waiting.RemoveAt(i);
            if (one.Key is { } key) returning.Remove(key);
            used = used.Plus(one.Need);
            admitted.Add(one);
        }
    }

    private bool MayPass(Waiting longest) => time.GetElapsedTime(longest.Since) < PassingTime;

    private sealed class Waiting(JobKey? key, Capacity need, long since)
    {
        public JobKey? Key => key;

        public Capacity Need => need;

        public long Since => since;

        /// <summary>It was given back; its place is kept until the timer says otherwise.</summary>
        public bool IsAway => Away is not null;

        public ITimer? Away { get; set; }

        public TaskCompletionSource<Room> Admitted { get; } = new();
    }

    /// <summary>What a job has taken; given back by disposing of it.</summary>
    internal sealed class Room(Admission admission, Capacity taken) : IDisposable
    {
        private bool isEnding;
        private bool isGiven;

        /// <summary>The job is all but over: the next may be asked for.</summary>
        public void EndsSoon() => admission.Change(() =>
        {
            if (isEnding || isGiven) return;
            isEnding = true;
            admission.ending = admission.ending.Plus(taken);
        });

        public void Dispose() => admission.Change(() =>
        {
            if (isGiven) return;
            isGiven = true;
            admission.used = admission.used.Minus(taken);
            if (isEnding) admission.ending = admission.ending.Minus(taken);
        });
    }

    private sealed class Arrival(Admission admission) : IDisposable
    {
        private int gone;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref gone, 1) == 0) admission.Change(() => admission.open--);
        }
    }
}
