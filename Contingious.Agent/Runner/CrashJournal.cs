using Contingious.Agent.Wire;
using Contingious.Engine.Linux;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>
/// Which jobs ran while their runner died. A runner has a directory <c>runner-ID</c> that it holds locked, with an empty file for each job that runs. Whoever finds the
/// directory of a dead one makes deaths of these files by renaming them: <c>deaths/HASH.1</c>, then <c>deaths/HASH.2</c>. Names only, so that nothing can be torn.
/// </summary>
internal sealed class CrashJournal : IDisposable
{
    /// <summary>A job that ended so many runners is not run again.</summary>
    public const int TooMany = 2;

    private const string RunnerPrefix = "runner-";
    private const int MostDeaths = 4096;

    private readonly string deaths;
    private readonly string own;
    private readonly FileLock hold;
    private readonly ILogger logger;
    private bool disposed;

    private CrashJournal(string deaths, string own, FileLock hold, ILogger logger)
    {
        this.deaths = deaths;
        this.own = own;
        this.hold = hold;
        this.logger = logger;
    }

    /// <exception cref="IOException">The directory cannot be made or read.</exception>
    public static CrashJournal Open(string root, string runnerId, ILogger logger)
    {
        var (deaths, own) = ($"{root}/deaths", $"{root}/{RunnerPrefix}{runnerId}");
        Directory.CreateDirectory(deaths, RunnerPlace.Closed);
        Directory.CreateDirectory(own, RunnerPlace.Closed);
        var hold = FileLock.TryExclusive(own) ?? throw new IOException($"{own} is another runner's.");
        var journal = new CrashJournal(deaths, own, hold, logger);
        foreach (var runner in Directory.EnumerateDirectories(root, $"{RunnerPrefix}*").Where(runner => runner != own)) journal.Bury(runner);
        journal.Forget();
        return journal;
    }

    /// <summary>How many runners died while the job ran, up to <see cref="TooMany"/>.</summary>
    public int DeathsOf(JobKey key)
    {
        var name = Journal.NameOf(key);
        return File.Exists($"{deaths}/{name}.2") ? TooMany : File.Exists($"{deaths}/{name}.1") ? 1 : 0;
    }

    /// <summary>A job's run begins. Where the disk does not take the mark it runs all the same.</summary>
    public void Begin(JobKey key)
    {
        try
        {
            File.Create($"{own}/{Journal.NameOf(key)}").Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            logger.JournalNotWritten(own, error.Message);
        }
    }

    /// <summary>A job's run is over, and its runner lives.</summary>
    /// <param name="key">The job.</param>
    /// <param name="acquit">It has ended by itself: deaths of other runners while it ran were not its doing.</param>
    public void End(JobKey key, bool acquit)
    {
        var name = Journal.NameOf(key);
        JournalFile.TryDelete($"{own}/{name}");
        if (acquit) JournalFile.TryDelete($"{deaths}/{name}.1");
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        try
        {
            Directory.Delete(own);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next runner finds it.
        }

        hold.Dispose();
    }

    private void Bury(string runner)
    {
        try
        {
            using var dead = FileLock.TryExclusive(runner);
            if (dead is null) return;
            foreach (var mark in Directory.EnumerateFiles(runner).Where(mark => Journal.IsName(Path.GetFileName(mark)))) Count(mark);
            Directory.Delete(runner, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another runner buries it just now, or it cannot be read: no job is blamed for that.
            logger.DeadRunnerNotRead(runner, error.Message);
        }
    }

    /// <summary>By a rename, so that no death is counted twice or not at all.</summary>
    private void Count(string mark)
    {
        var first = $"{deaths}/{Path.GetFileName(mark)}.1";
        var isSecond = File.Exists(first);
        File.Move(mark, isSecond ? $"{deaths}/{Path.GetFileName(mark)}.2" : first, overwrite: true);
        logger.RunnerDiedWith(Path.GetFileName(mark), isSecond ? TooMany : 1);
    }

    /// <summary>Deaths of long ago.</summary>
    private void Forget()
    {
        foreach (var old in new DirectoryInfo(deaths).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc).Skip(MostDeaths)) JournalFile.TryDelete(old.FullName);
    }
}
