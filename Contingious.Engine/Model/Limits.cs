namespace Contingious.Engine.Model;

/// <summary>
/// What a step, or all steps of a job together, may use: what was <em>asked</em>. What was used is <see cref="Usage"/>.
/// The defaults are documented in docs/wire.md.
/// </summary>
public sealed record Limits
{
    public static Limits Default { get; } = new();

    /// <summary>CPU time of all the step's processes together, user and system.</summary>
    public TimeSpan CpuTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Elapsed (monotonic) time of the step, from its command's exec.</summary>
    public TimeSpan WallTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Memory of all the step's processes, page cache and tmpfs pages they dirty included; swap is off.</summary>
    public ByteSize Memory { get; init; } = ByteSize.FromMiB(256);

    /// <summary>Processes and threads alive at once.</summary>
    public int Processes { get; init; } = 64;

    /// <summary>CPUs' worth of bandwidth: 1.0 is one core.</summary>
    public double Cpus { get; init; } = 1.0;

    /// <summary>Bytes that a job may add to its editable rootfs.</summary>
    public ByteSize Disk { get; init; } = ByteSize.FromMiB(128);

    /// <summary>Files and directories that a job may add to its editable rootfs.</summary>
    public int Inodes { get; init; } = 10_000;

    /// <summary>Size of any single file (RLIMIT_FSIZE).</summary>
    public ByteSize FileSize { get; init; } = ByteSize.FromMiB(64);

    /// <summary>Open files of one process (RLIMIT_NOFILE).</summary>
    public int OpenFiles { get; init; } = 1024;

    /// <summary>Stack of a program's first thread, and of each further one unless it says otherwise (RLIMIT_STACK); as much as <see cref="Memory"/> where absent.</summary>
    public ByteSize? Stack { get; init; }

    /// <summary>Bytes of standard output that are kept: the first three quarters and the last quarter of what was produced.</summary>
    public ByteSize Stdout { get; init; } = ByteSize.FromMiB(1);

    /// <summary>Bytes of standard error that are kept.</summary>
    public ByteSize Stderr { get; init; } = ByteSize.FromKiB(256);

    /// <summary>Bytes of output, kept or not, after which the step is stopped with <see cref="Outcome.OutputLimit"/>.</summary>
    public ByteSize ProducedOutput { get; init; } = ByteSize.FromMiB(64);
}
