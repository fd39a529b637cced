using Contingious.Engine.Linux;

namespace Contingious.Engine.Model;

/// <summary>What a step used: what was <em>measured</em>. What was asked is <see cref="Limits"/>.</summary>
public sealed record Usage
{
    /// <summary>CPU time of every process of the step since its command's exec, from the cgroup's clock.</summary>
    public TimeSpan CpuTime { get; init; }

    /// <summary>Monotonic time from the command's exec to its end.</summary>
    public TimeSpan WallTime { get; init; }

    /// <summary>The most memory charged at once since the command's exec; includes page cache and tmpfs pages, so it is no ground for a verdict.</summary>
    public ByteSize PeakMemory { get; init; }

    /// <summary>The most processes and threads alive at once.</summary>
    public int PeakProcesses { get; init; }

    /// <summary>Bytes by which the job's disk grew during the step: what it wrote and left there.</summary>
    public ByteSize DiskWritten { get; init; }

    /// <summary>
    /// How long some process of the step could not go on for want of a resource (the kernel's PSI, "some"); nothing where it is not counted (cgroup v1, or a
    /// kernel without PSI). A large value for the CPU beside few processes says that the host was busy, not the submission slow.
    /// </summary>
    public StallTimes? Stalled { get; init; }

    /// <summary>Bytes produced on standard output, kept or not.</summary>
    public long StdoutBytes { get; init; }

    /// <summary>Bytes produced on standard error, kept or not.</summary>
    public long StderrBytes { get; init; }
}

/// <summary>The kernel's counters that a verdict rests on.</summary>
public sealed record Evidence
{
    public EvidenceFlags Flags { get; init; }

    /// <summary>Processes killed by the OOM killer (<c>oom_kill</c> of memory.events or memory.oom_control).</summary>
    public long OomKills { get; init; }

    /// <summary>Forks refused (<c>max</c> of pids.events).</summary>
    public long ForksRefused { get; init; }

    /// <summary>Bytes in use on the job's disk after the step, beyond what the image brought.</summary>
    public long DiskUsedBytes { get; init; }

    /// <summary>What bounded that disk.</summary>
    public DiskBackend DiskBackend { get; init; }

    /// <summary>
    /// Bytes of memory that were files when the step ended (tmpfs, /dev/shm, memfd; <c>shmem</c> of memory.stat), those of earlier steps included:
    /// a memory verdict by files is told by it from one by allocation.
    /// </summary>
    public long MemoryInFilesBytes { get; init; }

    /// <summary>Why this program stopped the step, or nothing where it ended by itself.</summary>
    public Outcome? StoppedFor { get; init; }
}
