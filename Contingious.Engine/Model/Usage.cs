namespace Contingious.Engine.Model;

/// <summary>What a step used: what was <em>measured</em>. What was asked is <see cref="Limits"/>.</summary>
public sealed record Usage
{
    /// <summary>CPU time of every process of the step, from the cgroup's clock; the runtime's own start (about 10 ms) is in it.</summary>
    public TimeSpan CpuTime { get; init; }

    /// <summary>Monotonic time from launch to the end of the last process.</summary>
    public TimeSpan WallTime { get; init; }

    /// <summary>The most memory charged at once; includes page cache and tmpfs pages, so it is no ground for a verdict.</summary>
    public ByteSize PeakMemory { get; init; }

    /// <summary>The most processes and threads alive at once.</summary>
    public int PeakProcesses { get; init; }

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

    /// <summary>Bytes in use in the editable rootfs after the step.</summary>
    public long DiskUsedBytes { get; init; }

    /// <summary>Why this program stopped the step, or nothing where it ended by itself.</summary>
    public Outcome? StoppedFor { get; init; }
}
