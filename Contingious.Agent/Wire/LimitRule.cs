using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>One key of a map of limits, with its range: a row of the table in docs/wire.md. Every value is exact in a double.</summary>
internal sealed record LimitRule(string Key, double Least, double Most, Func<Limits, double> Get, Func<Limits, double, Limits> With)
{
    /// <summary>Counts for the whole job: a step cannot have its own.</summary>
    public bool IsOfJob { get; init; }

    public bool IsWhole { get; init; } = true;

    public const int CpuTime = 0;
    public const int WallTime = 1;

    private const double LongestMilliseconds = 1_200_000;

    private static readonly double Large = ByteSize.FromGiB(64).Bytes;

    public static IReadOnlyList<LimitRule> All { get; } =
    [
        new("cpu_time_ms", 1, LongestMilliseconds, x => x.CpuTime.TotalMilliseconds, (x, v) => x with { CpuTime = TimeSpan.FromMilliseconds(v) }),
        new("wall_time_ms", 1, LongestMilliseconds, x => x.WallTime.TotalMilliseconds, (x, v) => x with { WallTime = TimeSpan.FromMilliseconds(v) }),
        new("memory_bytes", 16 << 20, Large, x => x.Memory.Bytes, (x, v) => x with { Memory = Size(v) }),
        new("processes", 1, 4_096, x => x.Processes, (x, v) => x with { Processes = (int)v }),
        new("cpus", 0.1, 64, x => x.Cpus, (x, v) => x with { Cpus = v }) { IsWhole = false },
        new("disk_bytes", 0, Large, x => x.Disk.Bytes, (x, v) => x with { Disk = Size(v) }) { IsOfJob = true },
        new("inodes", 0, 10_000_000, x => x.Inodes, (x, v) => x with { Inodes = (int)v }) { IsOfJob = true },
        new("file_size_bytes", 0, Large, x => x.FileSize.Bytes, (x, v) => x with { FileSize = Size(v) }),
        new("open_files", 16, 65_536, x => x.OpenFiles, (x, v) => x with { OpenFiles = (int)v }),
        new("stack_bytes", 64 << 10, Large, x => (x.Stack ?? x.Memory).Bytes, (x, v) => x with { Stack = Size(v) }),
        new("stdout_bytes", 0, 8 << 20, x => x.Stdout.Bytes, (x, v) => x with { Stdout = Size(v) }),
        new("stderr_bytes", 0, 8 << 20, x => x.Stderr.Bytes, (x, v) => x with { Stderr = Size(v) }),
        new("produced_output_bytes", 0, ByteSize.FromGiB(16).Bytes, x => x.ProducedOutput.Bytes, (x, v) => x with { ProducedOutput = Size(v) }),
    ];

    public static MapKeys Keys { get; } = new([], [.. All.Select(rule => rule.Key)]);

    private static ByteSize Size(double bytes) => new((long)bytes);
}
