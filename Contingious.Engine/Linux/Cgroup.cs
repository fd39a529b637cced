namespace Contingious.Engine.Linux;

/// <summary>What a cgroup may use.</summary>
/// <param name="MemoryBytes">Memory, swap included (so none).</param>
/// <param name="Processes">Processes and threads.</param>
/// <param name="Cpus">CPUs' worth of bandwidth.</param>
public readonly record struct CgroupLimits(long MemoryBytes, int Processes, double Cpus);

/// <summary>A cgroup's counters.</summary>
/// <param name="CpuTime">CPU time of every process that was ever in it or below.</param>
/// <param name="PeakMemoryBytes">Most bytes charged at once.</param>
/// <param name="PeakProcesses">Most processes and threads at once; 0 where the kernel does not count it.</param>
/// <param name="OomKills">Processes that the OOM killer killed.</param>
/// <param name="ForksRefused">Forks refused by the limit of processes.</param>
public readonly record struct CgroupCounters(TimeSpan CpuTime, long PeakMemoryBytes, int PeakProcesses, long OomKills, long ForksRefused);

/// <summary>
/// One cgroup of ours, in whatever hierarchies it takes. It holds limits, is joined by writing to <see cref="JoinFiles"/>,
/// and is what gets read and killed; the runtime neither makes nor removes it.
/// </summary>
public abstract class Cgroup
{
    /// <summary>The name below the account's own cgroup, such as <c>ctg-job-1/step-0</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Files into which a process writes <c>0</c> to join.</summary>
    public abstract IReadOnlyList<string> JoinFiles { get; }

    public abstract Cgroup CreateChild(string name, CgroupLimits limits);

    /// <summary>One without limits of its own: its parents' hold.</summary>
    public abstract Cgroup CreateChild(string name);

    public abstract CgroupCounters Read();

    /// <summary>CPU time alone: cheap, for a watchdog.</summary>
    public abstract TimeSpan ReadCpuTime();

    /// <summary>OOM kills alone: cheap, for a watchdog.</summary>
    public abstract long ReadOomKills();

    /// <summary>Bytes charged for files in memory: tmpfs, shared memory, memfd; of what is below it too.</summary>
    public abstract long ReadMemoryInFiles();

    /// <summary>Lets the count of peak memory begin anew.</summary>
    /// <returns>The bytes that are charged already.</returns>
    public abstract long ResetPeakMemory();

    /// <summary>The pids of the processes in it and below it.</summary>
    public abstract IReadOnlyList<int> Pids();

    /// <summary>Stops what is in it from running, or lets it run on, so that nothing can fork away while it is killed.</summary>
    protected abstract void Freeze(bool frozen);

    /// <summary>Removes it and what is below it, which must be empty of processes; nothing happens where it is gone already.</summary>
    public abstract void Remove();

    /// <summary>Sends SIGKILL to everything in it, but for one pid, until nothing is left.</summary>
    /// <returns>Whether it is empty, but for <paramref name="spared"/>.</returns>
    public async Task<bool> KillAsync(int spared, TimeSpan patience, TimeProvider time)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var pids = Pids().Where(pid => pid != spared).ToList();
            if (pids.Count == 0) return true;
            if (time.GetElapsedTime(started) > patience) return false;
            Freeze(true);
            foreach (var pid in Pids())
            {
                if (pid != spared) _ = Libc.Kill(pid, ProcessIdentity.SigKill);
            }

            Freeze(false);
            await Task.Delay(TimeSpan.FromMilliseconds(1), time).ConfigureAwait(false);
        }
    }
}
