namespace Contingious.Tests.Work.Simulation;

/// <summary>A clock that stands still until a test moves it; everything that is due happens on the test's own thread, in order.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly PriorityQueue<Entry, (long Due, long Order)> queue = new();
    private readonly int thread = Environment.CurrentManagedThreadId;
    private long now;
    private long order;

    /// <summary>What the wall clock shows beyond the time that has passed: tests let it jump.</summary>
    public DateTimeOffset Wall { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public TimeSpan Elapsed => TimeSpan.FromTicks(now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => now;

    public override DateTimeOffset GetUtcNow() => Wall + Elapsed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer(this, () => callback(state), dueTime, period);

    /// <summary>Has something happen after a while.</summary>
    public void After(TimeSpan delay, Action action) => Enqueue(delay, new Entry(action));

    public void Advance(TimeSpan by)
    {
        var until = now + by.Ticks;
        while (queue.TryPeek(out var entry, out var at) && at.Due <= until)
        {
            queue.Dequeue();
            now = Math.Max(now, at.Due);
            if (!entry.IsGone) entry.Action();
        }

        now = until;
    }

    /// <summary>Time passes of which nobody notices anything: a process that is stopped, a machine that sleeps. What became due happens at the end of it, at once.</summary>
    public void Stall(TimeSpan length)
    {
        now += length.Ticks;
        Advance(TimeSpan.Zero);
    }

    private void Enqueue(TimeSpan delay, Entry entry)
    {
        if (Environment.CurrentManagedThreadId != thread) throw new InvalidOperationException("Something went to another thread.");
        queue.Enqueue(entry, (now + delay.Ticks, order++));
    }

    private sealed class Entry(Action action)
    {
        public Action Action => action;

        public bool IsGone { get; set; }
    }

    private sealed class Timer : ITimer
    {
        private readonly ManualTime time;
        private readonly Action callback;
        private Entry? entry;

        public Timer(ManualTime time, Action callback, TimeSpan dueTime, TimeSpan period)
        {
            this.time = time;
            this.callback = callback;
            Change(dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Dispose();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            var next = new Entry(() =>
            {
                if (period > TimeSpan.Zero) Change(period, period);
                callback();
            });
            entry = next;
            time.Enqueue(dueTime, next);
            return true;
        }

        public void Dispose()
        {
            if (entry is not null) entry.IsGone = true;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
