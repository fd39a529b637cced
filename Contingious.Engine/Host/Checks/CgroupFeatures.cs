using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>Which files of cgroup v2 this kernel has, and what is done without them. Versions: Documentation/admin-guide/cgroup-v2.rst and the kernel's log.</summary>
internal static class CgroupFeatures
{
    private const string Check = "cgroup counters";
    private const string NewerKernel = "sudo apt-get install linux-image-amd64, from a newer release or its backports, and boot it";
    private const int OwnerMayWrite = 0x80;

    private static readonly (string File, string Since, string Instead)[] features =
    [
        ("memory.peak", "5.19", "a step's peak of memory is the highest value that was seen, every few milliseconds"),
        ("memory.oom.group", "4.19", "the OOM killer takes one process, and the agent kills the rest"),
        ("memory.swap.max", "4.5, with swap accounting", "a step can use the host's swap beyond its memory limit"),
        ("pids.peak", "6.1", "the most processes at once are not counted"),
        ("cgroup.kill", "5.14", "a cgroup is frozen and its processes are killed one by one"),
        ("cgroup.freeze", "5.2", "a cgroup's processes are killed again and again until none is left"),
        ("cpu.pressure", "4.20, with psi=1", "how long a step was kept waiting for CPU, memory and disk is not told"),
    ];

    public static IEnumerable<Finding> Missing(Examined host, CgroupMount unified)
    {
        // Any cgroup but the root has them all, where its parent hands the controllers on; systemd's does.
        var sample = new[] { "system.slice", $"user.slice/user-{host.Account?.Uid}.slice/user@{host.Account?.Uid}.service", HostLayout.ServiceAccount }
            .Select(name => $"{unified.Path}/{name}")
            .FirstOrDefault(path => host.Root.TryStatus($"{path}/memory.current") is not null && host.Root.TryStatus($"{path}/pids.current") is not null);
        if (sample is null) yield break;
        var missing = features.Where(feature => host.Root.TryStatus($"{sample}/{feature.File}") is null).ToList();
        foreach (var (file, since, instead) in missing)
        {
            yield return Finding.Notice(Check, $"This kernel has no {file} (Linux {since}): {instead}.", NewerKernel);
        }

        var isWholeLife = host.Root.TryStatus($"{sample}/memory.peak") is { } peak && (peak.Permissions & OwnerMayWrite) == 0;
        if (isWholeLife)
        {
            yield return Finding.Notice(Check, "This kernel cannot begin a peak of memory anew (Linux 6.12): a step's peak includes what the runtime used to start it, a few MB.", NewerKernel);
        }

        if (missing.Count == 0 && !isWholeLife) yield return Finding.Ok(Check, "This kernel has every file of a cgroup that is read or written.");
    }
}
