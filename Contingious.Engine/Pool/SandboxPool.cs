using Contingious.Engine.Linux;
using Contingious.Engine.Sandboxes;
using Microsoft.Extensions.Logging;

namespace Contingious.Engine.Pool;

/// <summary>
/// Sandboxes that were made ahead of their jobs, each with a container that waits for its command. A job takes one and nobody gets it after that. As many are kept as
/// jobs of their shape arrive; they are made one at a time, while nothing else wants the CPUs, and go again when nobody wants them or memory runs short.
/// </summary>
/// <param name="options">How many.</param>
/// <param name="park">Makes one.</param>
/// <param name="isCurrent">Whether what a shape was made of is still there.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The engine's log.</param>
internal sealed class SandboxPool(PoolOptions options, Func<SandboxShape, CancellationToken, Task<Sandbox>> park, Func<SandboxShape, bool> isCurrent, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private const double LeastMemory = 0.1;

    private static readonly TimeSpan lookInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan busyPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan faultPause = TimeSpan.FromSeconds(30);

    private readonly Lock access = new();
    private readonly Dictionary<SandboxShape, Shelf> shelves = [];
    private readonly Queue<Sandbox> spoilt = [];
    private readonly SemaphoreSlim wanted = new(0, 1);
    private readonly CancellationTokenSource ending = new();
    private int beginning;
    private Task? filling;
    private Task? ended;
    private TimeSpan making = TimeSpan.FromMilliseconds(50);

    /// <summary>Whether the CPUs have something better to do: making a sandbox ahead costs more than making it for its job.</summary>
    private bool IsBusy => Volatile.Read(ref beginning) >= Environment.ProcessorCount || HostLoad.Runnable() > Environment.ProcessorCount;

    /// <summary>How many wait now.</summary>
    public int Waiting
    {
        get
        {
            lock (access) return shelves.Values.Sum(shelf => shelf.Waiting.Count);
        }
    }

    /// <summary>
    /// A waiting sandbox, which is the caller's from now on: one of the shape, or else one for any job. Nothing where there is none; there will be, if more are wanted.
    /// </summary>
    /// <param name="shape">The job's; nothing where it has none that a sandbox can be made ahead of.</param>
    /// <param name="cancellation">Ends it early.</param>
    public async ValueTask<Sandbox?> TakeAsync(SandboxShape? shape, CancellationToken cancellation)
    {
        if (options.Most == 0) return null;
        if (options.OnDemand) return await park(shape ?? SandboxShape.Any, cancellation).ConfigureAwait(false);
        return (shape is null ? null : TryTake(shape)) ?? TryTake(SandboxShape.Any);
    }

    private Sandbox? TryTake(SandboxShape shape)
    {
        lock (access)
        {
            if (ended is not null) return null;
            var shelf = ShelfOf(shape);
            shelf.Demand.Arrived();
            while (shelf.Waiting.TryDequeue(out var next))
            {
                Telemetry.Parked(-1);
                if (next.Sandbox.IsWaiting) return next.Sandbox;

                // Somebody killed what waited in it.
                spoilt.Enqueue(next.Sandbox);
            }

            return null;
        }
    }

    /// <summary>A job begins: until it runs or fails, nothing is made beside more of those than there are CPUs.</summary>
    public Beginning Begin()
    {
        Interlocked.Increment(ref beginning);
        return new Beginning(this);
    }

    /// <summary>Has what is missing made, in its own time.</summary>
    public void Refill()
    {
        if (options.Most == 0 || options.OnDemand) return;
        lock (access)
        {
            if (ended is not null) return;
            _ = ShelfOf(SandboxShape.Any);
            filling ??= Task.Run(FillAsync);
            if (wanted.CurrentCount == 0) wanted.Release();
        }
    }

    /// <summary>Gives up one that waits, for somebody who lacks what it has.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> GiveWayAsync()
    {
        if (Remove((_, _) => true) is not { } one) return false;
        await one.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Gives up all, and makes no more until the next job.</summary>
    public async Task RestAsync()
    {
        lock (access)
        {
            foreach (var (waiting, _) in shelves.Values.SelectMany(shelf => shelf.Waiting))
            {
                Telemetry.Parked(-1);
                spoilt.Enqueue(waiting);
            }

            // What is being made now finds no shelf, and goes.
            shelves.Clear();
        }

        await RemoveAllAsync((_, _) => true).ConfigureAwait(false);
    }

    /// <summary>Gives up all, and makes no more.</summary>
    public ValueTask DisposeAsync()
    {
        lock (access) return new ValueTask(ended ??= Task.Run(EndAsync));
    }

    private async Task EndAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        if (filling is not null) await filling.ConfigureAwait(false);
        await RemoveAllAsync((_, _) => true).ConfigureAwait(false);
        ending.Dispose();
        wanted.Dispose();
    }

    private async Task FillAsync()
    {
        while (!ending.IsCancellationRequested)
        {
            await ((Task)wanted.WaitAsync(lookInterval, ending.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await RemoveStaleAsync().ConfigureAwait(false);
                await FillOnceAsync().ConfigureAwait(false);
            }
            catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException)
            {
                // Jobs do not depend on it, and the next turn may do better.
                Log.PoolFailed(logger, error);
            }
        }
    }

    private async Task FillOnceAsync()
    {
        while (!ending.IsCancellationRequested && Lacking() is { } shelf)
        {
            if (IsBusy) await Task.Delay(busyPause, time).ConfigureAwait(false);
            else if (HostLoad.AvailableMemory() < LeastMemory || !await AddAsync(shelf).ConfigureAwait(false)) break;
        }
    }

    /// <summary>The shelf that lacks most; nothing where none lacks one, or there is no room.</summary>
    private Shelf? Lacking()
    {
        lock (access)
        {
            var room = options.Most - shelves.Values.Sum(shelf => shelf.Waiting.Count);
            return room <= 0 ? null : shelves.Values.Where(shelf => shelf.Lacks(options.Least, making) > 0 && shelf.RestsUntil <= time.GetTimestamp()).MaxBy(shelf => shelf.Lacks(options.Least, making));
        }
    }

    private async Task<bool> AddAsync(Shelf shelf)
    {
        var begun = time.GetTimestamp();
        try
        {
            var made = await park(shelf.Shape, ending.Token).ConfigureAwait(false);
            making = (making + time.GetElapsedTime(begun)) / 2;
            lock (access)
            {
                if (ended is null && shelves.GetValueOrDefault(shelf.Shape) == shelf)
                {
                    Put(shelf, made);
                    return true;
                }
            }

            await made.DisposeAsync().ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException)
        {
            // Jobs of this shape are run all the same, and meet the fault themselves where it is theirs too.
            if (error is not CapacityException) Log.NotParked(logger, error, shelf.Shape.Image);
            lock (access) shelf.RestsUntil = time.GetTimestamp() + (long)(faultPause.TotalSeconds * time.TimestampFrequency);
            return false;
        }
    }

    private Shelf ShelfOf(SandboxShape shape)
    {
        if (!shelves.TryGetValue(shape, out var shelf)) shelves.Add(shape, shelf = new Shelf(shape, time));
        return shelf;
    }

    private void Put(Shelf shelf, Sandbox made)
    {
        shelf.Waiting.Enqueue((made, time.GetTimestamp()));
        Telemetry.Parked(1);
    }

    /// <summary>Those that nobody took in time or whose image has gone; all of them where the host's memory runs short.</summary>
    private async Task RemoveStaleAsync()
    {
        var isShort = HostLoad.AvailableMemory() < LeastMemory;
        List<SandboxShape> known;
        lock (access) known = [.. shelves.Keys];
        var gone = known.Where(shape => !isCurrent(shape)).ToHashSet();
        await RemoveAllAsync((shape, since) => isShort || gone.Contains(shape) || time.GetElapsedTime(since) > options.Expiry).ConfigureAwait(false);
        lock (access)
        {
            foreach (var shelf in shelves.Values.Where(shelf => shelf.Waiting.Count == 0 && shelf.Shape != SandboxShape.Any && (gone.Contains(shelf.Shape) || shelf.Demand.Idle > options.Expiry)).ToList()) shelves.Remove(shelf.Shape);
        }
    }

    private async Task RemoveAllAsync(Func<SandboxShape, long, bool> isToGo)
    {
        while (Remove(isToGo) is { } one)
        {
            try
            {
                await one.DisposeAsync().ConfigureAwait(false);
            }
            catch (ContingiousException error)
            {
                Log.ReleaseFailed(logger, error, one.Id.Value);
            }
        }
    }

    // The oldest of a shelf is the first that goes.
    private Sandbox? Remove(Func<SandboxShape, long, bool> isToGo)
    {
        lock (access)
        {
            if (spoilt.TryDequeue(out var unfit)) return unfit;
            if (shelves.Values.FirstOrDefault(shelf => shelf.Waiting.TryPeek(out var first) && isToGo(shelf.Shape, first.Since)) is not { } from) return null;
            Telemetry.Parked(-1);
            return from.Waiting.Dequeue().Sandbox;
        }
    }

    /// <summary>A job that begins.</summary>
    public sealed class Beginning(SandboxPool pool) : IDisposable
    {
        private int isOver;

        /// <summary>It runs: what it took is made anew.</summary>
        public void Runs()
        {
            Dispose();
            pool.Refill();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isOver, 1) == 0) Interlocked.Decrement(ref pool.beginning);
        }
    }

    /// <summary>The sandboxes of one shape.</summary>
    private sealed class Shelf(SandboxShape shape, TimeProvider time)
    {
        public SandboxShape Shape { get; } = shape;

        public Demand Demand { get; } = new(time);

        public Queue<(Sandbox Sandbox, long Since)> Waiting { get; } = [];

        /// <summary>None is made before that.</summary>
        public long RestsUntil { get; set; } = long.MinValue;

        public int Lacks(int least, TimeSpan making) => Demand.Wanted(Shape == SandboxShape.Any ? 1 : least, making) - Waiting.Count;
    }
}
