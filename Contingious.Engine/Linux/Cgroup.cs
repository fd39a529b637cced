namespace Contingious.Engine.Linux;

/// <summary>What a cgroup may use.</summary>
/// <param name="MemoryBytes">Memory, swap included (so none).</param>
/// <param name="Processes">Processes and threads.</param>
/// <param name="Cpus">CPUs' worth of bandwidth; infinite where only its parents' holds.</param>
public readonly record struct CgroupLimits(long MemoryBytes, int Processes, double Cpus)
{
    /// <summary>Whether the OOM killer takes all of its processes or none, where the kernel can (v2).</summary>
    public bool DieTogether { get; init; }
}

/// <summary>For how long some process of a cgroup could not go on because it waited for a resource (Documentation/accounting/psi.rst of the kernel).</summary>
/// <param name="Cpu">For a CPU.</param>
/// <param name="Memory">For memory.</param>
/// <param name="Io">For a disk.</param>
public readonly record struct StallTimes(TimeSpan Cpu, TimeSpan Memory, TimeSpan Io)
{
    public static StallTimes operator -(StallTimes later, StallTimes earlier) => new(later.Cpu - earlier.Cpu, later.Memory - earlier.Memory, later.Io - earlier.Io);
}

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

    public abstract bool Exists { get; }

    /// <summary>A cgroup below by its name, whether it exists or not.</summary>
    public abstract Cgroup Child(string name);

    /// <summary>Names of the cgroups directly below.</summary>
    public abstract IReadOnlyList<string> ChildNames();

    public abstract Cgroup CreateChild(string name, CgroupLimits limits);

    /// <summary>Gives it other limits than it was made with.</summary>
    public abstract void Limit(CgroupLimits limits);

    /// <summary>Whether it gets out of the way of whatever else wants a CPU, as long as that is to last.</summary>
    public abstract void StandBack(bool back);

    /// <summary>One without limits of its own: its parents' hold. This one itself has to be there.</summary>
    public abstract Cgroup CreateChild(string name);

    public abstract CgroupCounters Read();

    /// <summary>CPU time alone: cheap, for a watchdog.</summary>
    public abstract TimeSpan ReadCpuTime();

    /// <summary>OOM kills alone: cheap, for a watchdog.</summary>
    public abstract long ReadOomKills();

    /// <summary>
    /// Whether this cgroup's memory came up against a limit of its own. A kill without that was for the want of memory of the host, or of a cgroup above.
    /// True where the kernel does not say (v1).
    /// </summary>
    public virtual bool HasMetMemoryLimit() => true;

    /// <summary>Bytes charged for files in memory: tmpfs, shared memory, memfd; of what is below it too.</summary>
    public abstract long ReadMemoryInFiles();

    /// <summary>How long it was kept waiting so far; nothing where the kernel does not count it (v1, or without PSI).</summary>
    public virtual StallTimes? ReadStalls() => null;

    /// <summary>Lets the count of peak memory begin anew.</summary>
    /// <returns>The bytes that are charged already.</returns>
    public abstract long ResetPeakMemory();

    /// <summary>The pids of the processes in it and below it.</summary>
    public abstract IReadOnlyList<int> Pids();

    /// <summary>Stops what is in it from running, or lets it run on, so that nothing can fork away while it is killed.</summary>
    protected abstract void Freeze(bool frozen);

    /// <summary>Whether a process is left in it or below it, be it one that is in no list any more as it is about to end. False where the kernel does not say (v1).</summary>
    protected virtual bool IsPopulated() => false;

    /// <summary>Has the kernel kill all that is in it and below it in one go.</summary>
    /// <returns>Whether it can.</returns>
    protected virtual bool KillAtOnce() => false;

    /// <summary>Lets go of what it has open to count by. The cgroup itself stays: <see cref="RemoveAsync"/>.</summary>
    public virtual void StopCounting()
    {
    }

    /// <summary>Removes it and what is below it, which must be empty of processes; nothing happens where it is gone already.</summary>
    public abstract Task RemoveAsync();

    /// <summary>Sends SIGKILL to everything in it, but for one pid, until nothing is left.</summary>
    /// <returns>Whether it is empty, but for <paramref name="spared"/>.</returns>
    public async Task<bool> KillAsync(int spared, TimeSpan patience, TimeProvider time)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                var pids = Pids().Where(pid => pid != spared).ToList();
                if (pids.Count == 0 && (spared != 0 || !IsPopulated())) return true;
                if (spared != 0 || !KillAtOnce()) KillEach(spared);
            }
            catch (IOException error) when (CgroupFile.IsGone(error))
            {
                // Whoever made it, such as runc, has removed it in this very moment, which the next look sees.
            }

            if (time.GetElapsedTime(started) > patience) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(1), time).ConfigureAwait(false);
        }
    }

    /// <summary>Kills everything in it and removes it; nothing happens where it is gone already.</summary>
    /// <exception cref="IOException">Something in it will not die.</exception>
    public async Task DiscardAsync(TimeSpan patience, TimeProvider time)
    {
        _ = await KillAsync(spared: 0, patience, time).ConfigureAwait(false);
        await RemoveAsync().ConfigureAwait(false);
    }

    private void KillEach(int spared)
    {
        Freeze(true);
        foreach (var pid in Pids())
        {
            if (pid != spared) _ = Libc.Kill(pid, ProcessIdentity.SigKill);
        }

        Freeze(false);
    }
}
