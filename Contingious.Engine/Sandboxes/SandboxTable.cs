using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace Contingious.Engine.Sandboxes;

/// <summary>The sandboxes of this account: the live ones, and what a killed agent left of dead ones.</summary>
internal sealed class SandboxTable(HostLayout layout, CgroupV1 account, TimeProvider time, ILogger logger)
{
    /// <summary>Names of the sandboxes that exist, live or not.</summary>
    public IReadOnlyList<string> Names()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var directory in new[] { layout.LocksDirectory, layout.SandboxesDirectory })
        {
            if (Directory.Exists(directory)) names.UnionWith(Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)));
        }

        names.UnionWith(account.ChildNames());
        names.UnionWith(JobDisk.Owners(layout));
        return [.. names.Where(name => name.StartsWith(SandboxId.Prefix, StringComparison.Ordinal))];
    }

    /// <summary>The sandboxes that somebody owns now.</summary>
    public IReadOnlyList<LiveSandbox> Live()
    {
        var live = new List<LiveSandbox>();
        foreach (var name in Names())
        {
            var cgroup = account.Child(name);
            if (!IsOwned(name) || !cgroup.Exists) continue;
            try
            {
                var container = LiveContainer.Find(layout, account, name);
                live.Add(new LiveSandbox(name, container?.Id, container?.Pid, cgroup.Pids().Count, cgroup.ReadCpuTime()));
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                // It ended while it was looked at.
            }
        }

        return live;
    }

    /// <summary>The running container of a live sandbox, by the sandbox's name with or without its prefix and attempt.</summary>
    public LiveContainer? FindContainer(string sandbox)
    {
        var name = Names().FirstOrDefault(name => name == sandbox) ?? Names().LastOrDefault(name => name.StartsWith($"{SandboxId.Prefix}{sandbox}-", StringComparison.Ordinal));
        return name is not null && IsOwned(name) ? LiveContainer.Find(layout, account, name) : null;
    }

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
            var cgroup = account.Child(name);
            _ = await cgroup.KillAsync(spared: 0, TimeSpan.FromSeconds(10), time).ConfigureAwait(false);
            await ForgetContainersAsync(name).ConfigureAwait(false);
            JobDisk.Discard(layout, $"{layout.SandboxesDirectory}/{name}");
            cgroup.Remove();
            File.Delete($"{layout.LocksDirectory}/{name}");
            swept++;
        }

        ShiftedImage.RemoveUnfinished(layout);
        return swept;
    }

    private async Task ForgetContainersAsync(string name)
    {
        if (!Directory.Exists(layout.CrunDirectory)) return;
        var crun = new Crun(layout.CrunDirectory);
        foreach (var container in Directory.EnumerateDirectories(layout.CrunDirectory, $"{name}-step-*").Select(path => Path.GetFileName(path)))
        {
            await crun.DeleteAsync(container, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
