using System.Collections.Concurrent;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>
/// The runner: listens for agents, and lives until it is told to end, has nothing to do for long, or has retired and nothing runs any more.
/// It outlives the agent that started it; what it runs goes on without one.
/// </summary>
internal sealed class RunnerServer : IDisposable
{
    private static readonly TimeSpan lookInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan farewellPatience = TimeSpan.FromSeconds(10);

    private readonly RunnerOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly FileLock place;
    private readonly CrashJournal crashes;
    private readonly Journal journal;
    private readonly JobTable jobs;
    private readonly RunnerEngine engine;
    private readonly ConcurrentDictionary<RunnerConnection, Task> connections = new();
    private readonly SemaphoreSlim changed = new(0);
    private long touched;
    private Task retiring = Task.CompletedTask;

    private RunnerServer(RunnerOptions options, FileLock place, CrashJournal crashes, Journal journal, RunnerEngine engine, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.time = time;
        this.logger = logger;
        this.place = place;
        this.crashes = crashes;
        this.journal = journal;
        this.engine = engine;
        jobs = new JobTable(options, engine.Run, journal, crashes, time, logger) { Ended = Touch };
        touched = time.GetTimestamp();
    }

    /// <summary>Is the runner of a place until it ends: cancelled, retired or idle. Runs that are under way when it is cancelled are abandoned, and given back whole.</summary>
    /// <param name="where">The place.</param>
    /// <param name="options">How it works.</param>
    /// <param name="open">Makes what runs jobs, once this is the place's only runner that takes new ones.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The runner's log.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ContingiousException">Another runner has the place and does not give it up.</exception>
    public static async Task RunAsync(RunnerPlace where, RunnerOptions options, Func<Task<RunnerEngine>> open, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        Directory.CreateDirectory(where.SocketDirectory, RunnerPlace.Closed);
        using var place = await ClaimAsync(where, options, time, cancellation).ConfigureAwait(false);
        var engine = await open().ConfigureAwait(false);
        Directory.CreateDirectory(where.JournalDirectory, RunnerPlace.Closed);
        var crashes = CrashJournal.Open(where.JournalDirectory, options.Id, logger);
        using var server = new RunnerServer(options, place, crashes, Journal.Open(where.JournalDirectory, options.Journal, time, logger), engine, time, logger);
        using var directory = DirectoryHandle.Open(where.SocketDirectory);
        var (name, path) = (RunnerPlace.SocketName(options.Id), $"{where.SocketDirectory}/{RunnerPlace.SocketName(options.Id)}");

        // It gets its name when it listens: a socket by that name which refuses is a dead runner's.
        using var listener = UnixListener.Listen(directory, $".{name}", Credentials.EffectiveUid, backlog: 64);
        File.SetUnixFileMode($"{where.SocketDirectory}/.{name}", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move($"{where.SocketDirectory}/.{name}", path);
        try
        {
            logger.RunnerReady(options.Id, Environment.ProcessId);
            await server.ServeAsync(listener, cancellation).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(path);
        }

        await server.EndAsync().ConfigureAwait(false);
    }

    public WelcomeMessage Welcome() => new(Frame.ProtocolVersion, options.Fingerprint, Environment.ProcessId, jobs.IsRetired);

    /// <summary>Takes no new jobs from now on, leaves the place to another runner, and ends when nothing runs.</summary>
    public void Retire(string reason)
    {
        if (jobs.IsRetired) return;
        jobs.Retire();
        retiring = engine.RetireAsync();
        logger.RunnerRetiring(options.Id, reason, jobs.Running);
        place.Dispose();
        Touch();
    }

    public void Dispose()
    {
        jobs.Dispose();
        crashes.Dispose();
        place.Dispose();
        changed.Dispose();
    }

    private static async Task<FileLock> ClaimAsync(RunnerPlace where, RunnerOptions options, TimeProvider time, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.LockPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            return await FileLock.ClaimAsync(where.LockFile, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new ContingiousException($"Another runner of this account is running and holds {where.LockFile}; there is one at a time. It ends by itself when no agent needs it, or with: contingious runner --stop", error);
        }
    }

    private async Task ServeAsync(UnixListener listener, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var accepting = AcceptAsync(listener, ending.Token);
        var reason = "";
        var looked = time.GetTimestamp();
        while (!cancellation.IsCancellationRequested && (reason = ReasonToEnd()) is null)
        {
            await ((Task)changed.WaitAsync(lookInterval, cancellation)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (time.GetElapsedTime(looked) < lookInterval) continue;
            looked = time.GetTimestamp();
            if (!jobs.IsRetired && !options.IsWanted()) Retire("its keeper is gone");
            journal.Evict(alsoExpired: true);
        }

        // Whoever comes now is told to go to another one.
        jobs.Retire();
        logger.RunnerEnds(options.Id, reason ?? "it was told to");
        await ending.CancelAsync().ConfigureAwait(false);
        await accepting.ConfigureAwait(false);
    }

    private string? ReasonToEnd()
    {
        if (jobs.Running > 0) return null;
        if (jobs.IsRetired) return "it has retired and nothing runs";
        return connections.IsEmpty && time.GetElapsedTime(Interlocked.Read(ref touched)) > options.IdleTime ? "no agent needs it" : null;
    }

    private async Task AcceptAsync(UnixListener listener, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var connection = new RunnerConnection(await listener.AcceptAsync(cancellation).ConfigureAwait(false), this, jobs, new Outbox(options.MostWaitingOutput, options.MostWaiting), logger);
                var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                connections[connection] = served.Task;
                _ = Task.Run(() => ServeAsync(connection, served), CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // The runner ends.
        }
    }

    private async Task ServeAsync(RunnerConnection connection, TaskCompletionSource served)
    {
        try
        {
            await using (connection.ConfigureAwait(false))
            {
                await connection.ServeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            connections.TryRemove(connection, out _);
            if (connections.IsEmpty) _ = engine.RestAsync();
            Touch();
            served.SetResult();
        }
    }

    /// <summary>Abandons what still runs, and gives everybody what is still to be said to them.</summary>
    private async Task EndAsync()
    {
        jobs.AbandonAll();
        await engine.RetireAsync().ConfigureAwait(false);
        await retiring.ConfigureAwait(false);
        while (jobs.Running > 0) await changed.WaitAsync(lookInterval).ConfigureAwait(false);

        // Whoever sees its connection end finds nothing of this runner any more.
        crashes.Dispose();
        foreach (var connection in connections.Keys) connection.Finish();
        await Task.WhenAny(Task.WhenAll(connections.Values), Task.Delay(farewellPatience)).ConfigureAwait(false);
    }

    private void Touch()
    {
        Interlocked.Exchange(ref touched, time.GetTimestamp());
        changed.Release();
    }
}
