using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Storage;

namespace Contingious.Tests.Support;

/// <summary>What of ours exists on the host: containers, cgroups, mounts, directories, locks, slices in use, disks, processes.</summary>
internal static class HostFootprint
{
    /// <summary>One line for each thing; the same lines before and after mean that nothing was left.</summary>
    public static IReadOnlyList<string> Take(HostLayout layout)
    {
        var homes = CgroupHomes.Of(layout);
        return
        [
            // crun keeps compiled seccomp filters there, the one thing of it that is to stay.
            .. Names("container", layout.CrunDirectory).Where(name => name != "container .cache"),
            .. Names("sandbox", layout.SandboxesDirectory),
            .. Names("lock", layout.LocksDirectory),
            .. Names("staging", layout.StagingDirectory),
            .. Names("slice", layout.SlicesDirectory).Where(name => IsHeld($"{layout.SlicesDirectory}/{name["slice ".Length..]}")),
            .. JobDisk.Owners(layout).Order().Select(owner => $"disk {owner}"),
            .. ShiftedImage.Unfinished(layout).Order().Select(path => $"unfinished {path}"),
            .. Cgroups(layout).Order().Select(path => $"cgroup {path}"),
            .. homes.SandboxNames().Select(name => $"cgroup of {name}"),
            .. homes.SandboxNames().SelectMany(name => homes.Find(name)?.Pids() ?? []).Order().Select(pid => $"process {pid}"),
            .. SandboxProcesses.Alive().Concat(SandboxProcesses.Helpers()).Select(process => $"running {process}"),
            .. Mounts("/proc/self/mountinfo", layout),
        ];
    }

    /// <summary>What there is once it is as before, or after some seconds: a job's answer does not wait for its sandbox to be given back.</summary>
    public static async Task<IReadOnlyList<string>> SettleAsync(HostLayout layout, IReadOnlyList<string> before)
    {
        for (var left = 500; left > 0 && !before.SequenceEqual(Take(layout)); left--) await Task.Delay(20, TestContext.Current.CancellationToken);
        return Take(layout);
    }

    /// <summary>Mounts of ours that a process sees.</summary>
    public static IEnumerable<string> Mounts(string mountInfo, HostLayout layout) =>
        File.ReadLines(mountInfo).Select(line => line.Split(' ')[4])
            .Where(path => new[] { layout.RuntimeDirectory, layout.StateDirectory }.Any(ours => path == ours || path.StartsWith($"{ours}/", StringComparison.Ordinal)))
            .Select(path => $"mount {path}");

    /// <summary>Everything below the account's cgroup, in every hierarchy that there is, whether the engine knows it or not.</summary>
    private static IEnumerable<string> Cgroups(HostLayout layout) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup")
            .Select(hierarchy => $"{hierarchy}/{layout.CgroupName}")
            .Where(Directory.Exists)
            .SelectMany(account => Directory.EnumerateDirectories(account, "*", SearchOption.AllDirectories));

    private static bool IsHeld(string file)
    {
        using var free = FileLock.TryExclusive(file);
        return free is null;
    }

    private static IEnumerable<string> Names(string kind, string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Select(path => $"{kind} {Path.GetFileName(path)}").Order() : [];
}
