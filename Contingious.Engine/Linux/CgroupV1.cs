using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>
/// A cgroup in the hierarchies of cgroup v1 (also the hybrid layout): one directory of the same name in each.
/// Sources: Documentation/admin-guide/cgroup-v1 of the kernel.
/// </summary>
/// <remarks>
/// On v1 the count of OOM kills is kept by the very cgroup that the killed process was in, not by its ancestors.
/// So processes must live in ours, and the runtime must not make one below it: docs/decisions/0001.
/// </remarks>
public sealed class CgroupV1 : Cgroup
{
    private const int PeriodMicroseconds = 100_000;

    /// <summary>The controllers that are needed, in the order in which a process joins them.</summary>
    public static IReadOnlyList<string> Controllers { get; } = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    private readonly IReadOnlyDictionary<string, string> mounts;

    private CgroupV1(IReadOnlyDictionary<string, string> mounts, string account, string name)
    {
        this.mounts = mounts;
        Account = account;
        Name = name;
    }

    public override string Name { get; }

    private string Account { get; }

    // Whoever was killed while it made or removed one leaves it in some hierarchies only.
    public override bool Exists => Directories.Any(Directory.Exists);

    public override IReadOnlyList<string> JoinFiles => [.. Directories.Select(directory => $"{directory}/cgroup.procs")];

    private IEnumerable<string> Directories => Controllers.Select(DirectoryOf).Distinct();

    /// <summary>The account's own cgroup, made by <c>contingious setup</c>.</summary>
    /// <param name="mounts">Where each controller's hierarchy is mounted.</param>
    /// <param name="account">The directory's name in each.</param>
    public static CgroupV1 OfAccount(IReadOnlyDictionary<string, string> mounts, string account) => new(mounts, account, "");

    public override IReadOnlyList<string> ChildNames() =>
        [.. Directories.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories).Select(path => Path.GetFileName(path)).Distinct().Order()];

    public override Cgroup Child(string name) => At(name);

    public override Cgroup CreateChild(string name) => Make(name);

    public override Cgroup CreateChild(string name, CgroupLimits limits)
    {
        var child = Make(name);
        child.Limit(limits);
        return child;
    }

    public override void Limit(CgroupLimits limits)
    {
        const string memory = "memory.limit_in_bytes";

        // Absent where the kernel does not account swap; then there is none to be charged to either. It may never be below the other (EINVAL).
        const string withSwap = "memory.memsw.limit_in_bytes";
        var bytes = limits.MemoryBytes.ToString(CultureInfo.InvariantCulture);
        var isBelow = KernelFile.TryWrite(FileOf("memory", memory), bytes) == Errno.None;
        if (KernelFile.TryWrite(FileOf("memory", withSwap), bytes) is not (Errno.None or Errno.ENOENT)) Write("memory", withSwap, bytes);
        if (!isBelow) Write("memory", memory, bytes);
        Write("pids", "pids.max", limits.Processes.ToString(CultureInfo.InvariantCulture));
        Write("cpu", "cpu.cfs_period_us", PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
        Write("cpu", "cpu.cfs_quota_us", (double.IsPositiveInfinity(limits.Cpus) ? -1 : (long)(limits.Cpus * PeriodMicroseconds)).ToString(CultureInfo.InvariantCulture));
    }

    public override void StandBack(bool back) => Write("cpu", "cpu.shares", back ? "102" : "1024");

    public override CgroupCounters Read() => new(
        ReadCpuTime(),
        ReadNumber("memory", "memory.max_usage_in_bytes"),
        KernelFile.TryRead(FileOf("pids", "pids.peak")) is { } peak ? (int)Number(peak) : 0,
        ReadOomKills(),
        ReadField("pids", "pids.events", "max"));

    // cpuacct.usage is in nanoseconds.
    public override TimeSpan ReadCpuTime() => TimeSpan.FromTicks(ReadNumber("cpuacct", "cpuacct.usage") / 100);

    public override long ReadOomKills() => ReadField("memory", "memory.oom_control", "oom_kill");

    public override long ReadMemoryInFiles() => ReadField("memory", "memory.stat", "total_shmem");

    public override long ResetPeakMemory()
    {
        Write("memory", "memory.max_usage_in_bytes", "0");
        return ReadNumber("memory", "memory.usage_in_bytes");
    }

    public override IReadOnlyList<int> Pids() =>
        [.. Directories.SelectMany(CgroupFile.Below).SelectMany(place => CgroupFile.Pids($"{place}/cgroup.procs")).Distinct()];

    public override async Task RemoveAsync()
    {
        foreach (var place in Directories.SelectMany(CgroupFile.Below)) await CgroupFile.RemoveAsync(place).ConfigureAwait(false);
    }

    protected override void Freeze(bool frozen)
    {
        if (Directory.Exists(DirectoryOf("freezer"))) Write("freezer", "freezer.state", frozen ? "FROZEN" : "THAWED");
    }

    private CgroupV1 At(string name) => new(mounts, Account, Name.Length == 0 ? name : $"{Name}/{name}");

    private CgroupV1 Make(string name)
    {
        var child = At(name);
        foreach (var directory in child.Directories) KernelFile.MakeDirectory(directory);
        return child;
    }

    private string DirectoryOf(string controller) =>
        Name.Length == 0 ? $"{mounts[controller]}/{Account}" : $"{mounts[controller]}/{Account}/{Name}";

    private string FileOf(string controller, string file) => $"{DirectoryOf(controller)}/{file}";

    private void Write(string controller, string file, string value) => KernelFile.Write(FileOf(controller, file), value);

    private long ReadNumber(string controller, string file) => Number(KernelFile.Read(FileOf(controller, file)));

    // Not to be had is not 0: a verdict rests on it.
    private long ReadField(string controller, string file, string field) => CgroupFile.Field(KernelFile.Read(FileOf(controller, file)), field);

    private static long Number(string content) => long.Parse(content.AsSpan().Trim(), CultureInfo.InvariantCulture);
}
