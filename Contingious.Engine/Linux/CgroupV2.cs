using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// A cgroup in the unified hierarchy of cgroup v2, below a directory that was delegated to the account.
/// Source: Documentation/admin-guide/cgroup-v2.rst of the kernel.
/// </summary>
/// <remarks>
/// A cgroup that hands controllers on to its children can have no process of its own: processes live in the leaves.
/// What a kernel does not have yet is passed over here, and named by the doctor.
/// </remarks>
public sealed class CgroupV2 : Cgroup
{
    private const int PeriodMicroseconds = 100_000;

    /// <summary>The controllers that are needed.</summary>
    public static IReadOnlyList<string> Controllers { get; } = ["cpu", "memory", "pids"];

    private readonly string root;
    private readonly string directory;
    private SafeFileHandle? peak;
    private long sampledMemory;

    private CgroupV2(string root, string name)
    {
        this.root = root;
        Name = name;
        directory = name.Length == 0 ? root : $"{root}/{name}";
    }

    public override string Name { get; }

    public override IReadOnlyList<string> JoinFiles => [$"{directory}/cgroup.procs"];

    public override bool Exists => Directory.Exists(directory);

    /// <summary>A cgroup that was delegated to the account.</summary>
    /// <param name="directory">Its directory.</param>
    public static CgroupV2 Delegated(string directory) => new(directory, "");

    public override Cgroup Child(string name) => At(name);

    public override IReadOnlyList<string> ChildNames() =>
        Exists ? [.. Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)] : [];

    public override Cgroup CreateChild(string name) => Make(name);

    public override Cgroup CreateChild(string name, CgroupLimits limits)
    {
        HandOn();
        var child = Make(name);
        child.Limit(limits);
        return child;
    }

    public override void StandBack(bool back) => Write("cpu.weight", back ? 10 : 100);

    public override void Limit(CgroupLimits limits)
    {
        Write("memory.max", limits.MemoryBytes);

        // Absent where the kernel does not account swap: the doctor warns of a host that swaps then.
        if (Has("memory.swap.max")) Write("memory.swap.max", 0);
        if (limits.DieTogether && Has("memory.oom.group")) Write("memory.oom.group", 1);
        Write("pids.max", limits.Processes);
        Write("cpu.max", double.IsPositiveInfinity(limits.Cpus) ? "max" : string.Create(CultureInfo.InvariantCulture, $"{(long)(limits.Cpus * PeriodMicroseconds)} {PeriodMicroseconds}"));
    }

    /// <summary>Lets its children have limits of their own.</summary>
    public void HandOn()
    {
        var handedOn = ReadText("cgroup.subtree_control").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (var controller in Controllers.Except(handedOn)) Write("cgroup.subtree_control", $"+{controller}");
    }

    public override CgroupCounters Read() => new(
        ReadCpuTime(),
        ReadPeakMemory(),
        Has("pids.peak") ? (int)ReadNumber("pids.peak") : 0,
        ReadOomKills(),
        ReadField("pids.events", "max"));

    public override TimeSpan ReadCpuTime()
    {
        Sample();
        return TimeSpan.FromMicroseconds(ReadField("cpu.stat", "usage_usec"));
    }

    public override long ReadOomKills() => ReadField("memory.events", "oom_kill");

    // Of this cgroup alone where the hierarchy is mounted so (memory_localevents), else of those below it too.
    public override bool HasMetMemoryLimit() => ReadField("memory.events", "oom") > 0;

    public override long ReadMemoryInFiles() => ReadField("memory.stat", "shmem");

    public override StallTimes? ReadStalls()
    {
        try
        {
            return new StallTimes(Stalled("cpu"), Stalled("memory"), Stalled("io"));
        }
        catch (Exception error) when (error is FileNotFoundException || error.HResult == (int)Errno.EOPNOTSUPP)
        {
            return null; // Without CONFIG_PSI, or with psi=0.
        }
    }

    /// <remarks>Since Linux 6.12 each open file of memory.peak has a peak of its own, which a write begins anew. Before, the peak is that of the cgroup's whole life.</remarks>
    public override long ResetPeakMemory()
    {
        var charged = ReadNumber("memory.current");
        sampledMemory = charged;
        peak?.Dispose();
        peak = CgroupPeak.TryBegin($"{directory}/memory.peak");
        return charged;
    }

    public override IReadOnlyList<int> Pids() =>
        [.. CgroupFile.Below(directory).SelectMany(place => CgroupFile.Pids($"{place}/cgroup.procs")).Distinct()];

    public override async Task RemoveAsync()
    {
        foreach (var place in CgroupFile.Below(directory)) await CgroupFile.RemoveAsync(place).ConfigureAwait(false);
    }

    public override void StopCounting()
    {
        peak?.Dispose();
        peak = null;
    }

    protected override bool IsPopulated() => Has("cgroup.events") && ReadField("cgroup.events", "populated") > 0;

    protected override void Freeze(bool frozen)
    {
        if (Has("cgroup.freeze")) Write("cgroup.freeze", frozen ? 1 : 0);
    }

    protected override bool KillAtOnce()
    {
        if (!Has("cgroup.kill")) return false;
        Write("cgroup.kill", 1);
        return true;
    }

    private long ReadPeakMemory()
    {
        if (peak is not null) return CgroupPeak.Read(peak);
        return Has("memory.peak") ? ReadNumber("memory.peak") : Sample();
    }

    private TimeSpan Stalled(string resource) => CgroupFile.Stalled(ReadText($"{resource}.pressure"));

    // Where the kernel keeps no peak, the highest value that was seen stands for it.
    private long Sample() => Has("memory.peak") || !Has("memory.current") ? 0 : sampledMemory = Math.Max(sampledMemory, ReadNumber("memory.current"));

    private CgroupV2 At(string name) => new(root, Name.Length == 0 ? name : $"{Name}/{name}");

    private CgroupV2 Make(string name)
    {
        var child = At(name);
        KernelFile.MakeDirectory(child.directory);
        return child;
    }

    private bool Has(string file) => File.Exists($"{directory}/{file}");

    private void Write(string file, long value) => Write(file, value.ToString(CultureInfo.InvariantCulture));

    private void Write(string file, string value) => KernelFile.Write($"{directory}/{file}", value);

    private string ReadText(string file) => KernelFile.Read($"{directory}/{file}");

    private long ReadNumber(string file) => long.Parse(ReadText(file).AsSpan().Trim(), CultureInfo.InvariantCulture);

    private long ReadField(string file, string field) => CgroupFile.Field(ReadText(file), field);
}
