using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace Contingious.Engine.Sandboxes;

/// <summary>The sandboxes of this account: the live ones, and what a killed agent left of dead ones.</summary>
internal sealed class SandboxTable(HostLayout layout, CgroupHomes homes, TimeProvider time, ILogger logger)
{
    /// <summary>Names of the sandboxes that exist, live or not.</summary>
    public IReadOnlyList<string> Names()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var directory in new[] { layout.LocksDirectory, layout.SandboxesDirectory })
        {
            if (Directory.Exists(directory)) names.UnionWith(Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)));
        }

        names.UnionWith(homes.SandboxNames());
        names.UnionWith(JobDisk.Owners(layout));
        return [.. names.Where(name => name.StartsWith(SandboxId.Prefix, StringComparison.Ordinal))];
    }

    /// <summary>The sandboxes that somebody owns now.</summary>
    public IReadOnlyList<LiveSandbox> Live()
    {
        var live = new List<LiveSandbox>();
        foreach (var name in Names().Where(name => !SandboxId.IsParked(name)))
        {
            if (!IsOwned(name) || homes.Find(Sandbox.PlaceOf(layout, name)) is not { } cgroup) continue;
            try
            {
                var container = LiveContainer.Find(layout, cgroup, name, Sandbox.PlaceOf(layout, name));
                live.Add(new LiveSandbox(name, container?.Id, container?.Pid, cgroup.Pids().Count, cgroup.ReadCpuTime()));
            }
            catch (IOException error) when (CgroupFile.IsGone(error))
            {
                // It ended while it was looked at.
            }
        }

        return live;
    }

    /// <summary>The running container of a live sandbox, by the sandbox's name with or without its prefix and attempt.</summary>
    public LiveContainer? FindContainer(string sandbox)
    {
        foreach (var name in Meant(Names(), sandbox).Where(IsOwned))
        {
            var place = Sandbox.PlaceOf(layout, name);
            if (homes.Find(place) is { } cgroup && LiveContainer.Find(layout, cgroup, name, place) is { } found) return found;
        }

        return null;
    }

    /// <summary>Those of some names that are meant by a sandbox's name or its job's id: the very name first, then the latest attempt.</summary>
    public static IReadOnlyList<string> Meant(IEnumerable<string> names, string sandbox) =>
    [
        .. names.Where(name => !SandboxId.IsParked(name) && (name == sandbox || SandboxId.AttemptOf(name, sandbox) is not null))
            .OrderByDescending(name => name == sandbox)
            .ThenByDescending(name => SandboxId.AttemptOf(name, sandbox)),
    ];

    private bool IsOwned(string name)
    {
        try
        {
            using var unowned = FileLock.TryExclusive($"{layout.LocksDirectory}/{name}");
            return unowned is null;
        }
        catch (LinuxException error) when (error.Errno == Errno.ENOENT)
        {
            return false;
        }
    }

    /// <summary>Gives back what belongs to no live process. A sandbox in use is known by its lock, which dies with its holder.</summary>
    /// <returns>How many were given back.</returns>
    public async Task<int> SweepAsync()
    {
        var swept = 0;
        foreach (var name in Names())
        {
            using var orphan = FileLock.TryClaim($"{layout.LocksDirectory}/{name}");
            if (orphan is null) continue;
            Log.Sweeping(logger, name);
            try
            {
                var cgroup = homes.Find(name);
                if (cgroup is not null) _ = await cgroup.KillAsync(spared: 0, TimeSpan.FromSeconds(10), time).ConfigureAwait(false);
                await ForgetContainersAsync(name).ConfigureAwait(false);
                JobDisk.Discard(layout, $"{layout.SandboxesDirectory}/{name}");
                if (cgroup is not null) await cgroup.RemoveAsync().ConfigureAwait(false);
                File.Delete($"{layout.LocksDirectory}/{name}");
                swept++;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ContingiousException)
            {
                // As of a process that waits for a file system which does not answer. The next sweep finds it by its lock's file; new sandboxes do not depend on it.
                Log.NotSwept(logger, error, name);
            }
        }

        homes.Prune();
        ShiftedImage.RemoveUnfinished(layout);
        return swept;
    }

    private async Task ForgetContainersAsync(string name)
    {
        foreach (var runtime in OciRuntime.All(layout))
        {
            foreach (var container in runtime.Containers($"{name}-step-")) await runtime.DeleteAsync(container, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
