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

        // Absent where the kernel does not account swap; then there is none to be charged to either. It may never be below the other.
        const string withSwap = "memory.memsw.limit_in_bytes";
        var files = new List<string> { memory };
        if (File.Exists($"{DirectoryOf("memory")}/{withSwap}")) files.Insert(limits.MemoryBytes > ReadNumber("memory", withSwap) ? 0 : 1, withSwap);
        foreach (var file in files) Write("memory", file, limits.MemoryBytes.ToString(CultureInfo.InvariantCulture));
        Write("pids", "pids.max", limits.Processes.ToString(CultureInfo.InvariantCulture));
        Write("cpu", "cpu.cfs_period_us", PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
        Write("cpu", "cpu.cfs_quota_us", (double.IsPositiveInfinity(limits.Cpus) ? -1 : (long)(limits.Cpus * PeriodMicroseconds)).ToString(CultureInfo.InvariantCulture));
    }

    public override void StandBack(bool back) => Write("cpu", "cpu.shares", back ? "102" : "1024");

    public override CgroupCounters Read() => new(
        ReadCpuTime(),
        ReadNumber("memory", "memory.max_usage_in_bytes"),
        File.Exists($"{DirectoryOf("pids")}/pids.peak") ? (int)ReadNumber("pids", "pids.peak") : 0,
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

    public override IReadOnlyList<int> Pids()
    {
        var pids = new HashSet<int>();
        foreach (var directory in Directories.Where(Directory.Exists))
        {
            foreach (var file in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories).Prepend(directory).Select(place => $"{place}/cgroup.procs"))
            {
                pids.UnionWith(CgroupFile.Pids(file));
            }
        }

        return [.. pids];
    }

    public override async Task RemoveAsync()
    {
        foreach (var directory in Directories.Where(Directory.Exists))
        {
            foreach (var place in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories).OrderByDescending(place => place.Length).Append(directory))
            {
                await CgroupFile.RemoveAsync(place).ConfigureAwait(false);
            }
        }
    }

    protected override void Freeze(bool frozen)
    {
        if (Directory.Exists(DirectoryOf("freezer"))) Write("freezer", "freezer.state", frozen ? "FROZEN" : "THAWED");
    }

    private CgroupV1 At(string name) => new(mounts, Account, Name.Length == 0 ? name : $"{Name}/{name}");

    private CgroupV1 Make(string name)
    {
        var child = At(name);
        foreach (var directory in child.Directories) Directory.CreateDirectory(directory);
        return child;
    }

    private string DirectoryOf(string controller) =>
        Name.Length == 0 ? $"{mounts[controller]}/{Account}" : $"{mounts[controller]}/{Account}/{Name}";

    private void Write(string controller, string file, string value) => File.WriteAllText($"{DirectoryOf(controller)}/{file}", value);

    private long ReadNumber(string controller, string file) =>
        long.Parse(File.ReadAllText($"{DirectoryOf(controller)}/{file}").AsSpan().Trim(), CultureInfo.InvariantCulture);

    private long ReadField(string controller, string file, string field)
    {
        // Not to be had is not 0: a verdict rests on it.
        return CgroupFile.Field(File.ReadAllText($"{DirectoryOf(controller)}/{file}"), field);
    }
}
