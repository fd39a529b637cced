using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Support;

/// <summary>What of ours exists on the host: containers, cgroups, mounts, directories, locks, processes in our cgroups.</summary>
internal static class HostFootprint
{
    /// <summary>One line for each thing; the same lines before and after mean that nothing was left.</summary>
    public static IReadOnlyList<string> Take(HostLayout layout)
    {
        var cgroup = CgroupV1.OfAccount(CgroupMounts.Read().V1, layout.CgroupName);
        return
        [
            // crun keeps compiled seccomp filters there, the one thing of it that is to stay.
            .. Names("container", layout.CrunDirectory).Where(name => name != "container .cache"),
            .. Names("sandbox", layout.SandboxesDirectory),
            .. Names("lock", layout.LocksDirectory),
            .. Names("staging", layout.StagingDirectory),
            .. cgroup.ChildNames().Select(name => $"cgroup {name}"),
            .. cgroup.Pids().Order().Select(pid => $"process {pid}"),
            .. File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(path => path.StartsWith(layout.RuntimeDirectory, StringComparison.Ordinal)).Select(path => $"mount {path}"),
        ];
    }

    private static IEnumerable<string> Names(string kind, string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Select(path => $"{kind} {Path.GetFileName(path)}").Order() : [];
}
