using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// The cgroup v2 that was handed to the account with this process in it: that of a systemd unit with <c>Delegate=</c>
/// (systemd.resource-control(5)), or on a host without systemd the one that setup made.
/// </summary>
internal static class DelegatedUnit
{
    /// <summary>Where the processes of ours live that run sandboxes: a cgroup that has children with limits can have no process itself.</summary>
    public const string Leaf = "main";

    private const int Attempts = 20;

    /// <summary>The cgroup of a process in the unified hierarchy, below its mount point; nothing where it is in none that is seen from here.</summary>
    public static string? PathOf(IEnumerable<string> procCgroup)
    {
        var line = procCgroup.FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal));
        return line is null || line.Contains("/../", StringComparison.Ordinal) || line.EndsWith(" (deleted)", StringComparison.Ordinal) ? null : line["0::".Length..].TrimEnd('/');
    }

    /// <summary>The directory of the delegated cgroup that this process is in or below.</summary>
    /// <param name="unified">The unified hierarchy.</param>
    /// <param name="layout">The account.</param>
    /// <param name="owner">The account's uid, as this process sees it.</param>
    public static string? FindOwn(CgroupMount unified, HostLayout layout, uint owner)
    {
        for (var path = PathOf(File.ReadLines("/proc/self/cgroup")); path is { Length: > 0 }; path = path[..path.LastIndexOf('/')])
        {
            if (IsDelegated($"{unified.Path}{path}", layout, owner)) return $"{unified.Path}{path}";
        }

        return null;
    }

    /// <summary>
    /// Whether a cgroup is the root of what was delegated. systemd 251 and later mark it; before, only names that are ours are taken for it, as everything
    /// below the manager of a user belongs to that user, delegated or not.
    /// </summary>
    private static bool IsDelegated(string directory, HostLayout layout, uint owner)
    {
        if (HostPath.TryStatus(directory) is not { Kind: FileKind.Directory } status || status.Uid != owner) return false;
        var name = Path.GetFileName(directory);
        if (name.StartsWith("user@", StringComparison.Ordinal)) return false;
        return name == layout.CgroupName || name.StartsWith(HostLayout.ServiceAccount, StringComparison.Ordinal) || HostPath.TryXattr(directory, "user.delegate"u8) is [(byte)'1'];
    }

    /// <summary>Makes a delegated cgroup ready to have sandboxes below it: its own processes go to a leaf, and its children can have limits.</summary>
    /// <exception cref="HostNotReadyException">It lacks a controller; the message says what hands it on.</exception>
    public static Cgroup Prepare(string directory, HostLayout layout)
    {
        var here = File.ReadAllText($"{directory}/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (CgroupV2.Controllers.Except(here).ToList() is { Count: > 0 } missing)
        {
            throw new HostNotReadyException($"The cgroup {directory} was delegated without {string.Join(", ", missing)}. {Remedy(layout)}");
        }

        var cgroup = CgroupV2.Delegated(directory);
        for (var attempt = 1; ; attempt++)
        {
            MoveProcesses(directory);
            try
            {
                cgroup.HandOn();
                return cgroup;
            }
            catch (IOException error) when (error.HResult == (int)Errno.EBUSY && attempt < Attempts)
            {
                // One of them forked meanwhile.
            }
        }
    }

    public static string SetupCommand(HostLayout layout) =>
        layout.Account.Name == HostLayout.ServiceAccount ? "sudo contingious setup" : $"sudo contingious setup --account {layout.Account.Name}";

    /// <summary>What has a cgroup with every controller handed to an account.</summary>
    public static string Remedy(HostLayout layout) => layout.Account.Name == HostLayout.ServiceAccount
        ? "Run this with sudo, which has systemd make such a cgroup, or as the service: sudo systemctl start contingious. Its unit must say Delegate=yes."
        : $"Log in as {layout.Account.Name} (by ssh or login, not su), and have systemd hand its controllers on: {SetupCommand(layout)} && sudo systemctl restart user@{layout.Account.Uid}";

    private static void MoveProcesses(string directory)
    {
        var pids = CgroupFile.Pids($"{directory}/cgroup.procs");
        if (pids.Count == 0) return;
        Directory.CreateDirectory($"{directory}/{Leaf}");
        foreach (var pid in pids)
        {
            try
            {
                File.WriteAllText($"{directory}/{Leaf}/cgroup.procs", $"{pid}");
            }
            catch (IOException error) when (error.HResult == (int)Errno.ESRCH)
            {
                // It has ended.
            }
        }
    }
}
