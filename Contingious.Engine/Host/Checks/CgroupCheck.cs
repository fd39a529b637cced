using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>Whether the account has cgroups of its own to limit and count sandboxes with.</summary>
internal static class CgroupCheck
{
    private const string Check = "cgroups";

    /// <summary>Limits and verdicts come from these; freezer is how v1 kills a whole cgroup.</summary>
    private static readonly string[] NeededLegacy = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    private static readonly string[] NeededUnified = ["memory", "pids", "cpu"];

    public static IEnumerable<Finding> Run(Examined host)
    {
        var mounts = CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo"));
        if (mounts.All.Count == 0) return [Finding.Fatal(Check, "No cgroup hierarchy is mounted.", "sudo mount -t cgroup2 none /sys/fs/cgroup")];
        if (mounts.IsLegacy) return host.Account is { } owner ? Legacy(host, owner, mounts) : [];
        if (mounts.Unified is not { } unified) return [Finding.Fatal(Check, "The memory controller is in no hierarchy that is mounted writable.", "sudo mount -t cgroup2 none /sys/fs/cgroup")];
        var only = OnlyUnified(host);
        if (host.Account is not { } account) return [only];
        return [only, .. host.Root.HasSystemd ? Systemd(host, account, unified) : [Delegated(host, account, unified)]];
    }

    /// <summary>The engine limits and counts through v1 controllers. What setup delegates of v2 is not used yet.</summary>
    private static Finding OnlyUnified(Examined host) => Finding.Fatal(
        "cgroup version",
        "This host has its memory, pids and cpu controllers in cgroup v2. This version of the engine needs them in v1 (the legacy or hybrid layout).",
        host.Root.HasSystemd
            ? "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&systemd.unified_cgroup_hierarchy=0 /' /etc/default/grub && sudo update-grub && sudo reboot"
            : $"sudo sh -c 'for c in {string.Join(' ', NeededLegacy)}; do mkdir -p /sys/fs/cgroup-v1/$c && mount -t cgroup -o $c none /sys/fs/cgroup-v1/$c; done' && {host.Setup}");

    private static IEnumerable<Finding> Legacy(Examined host, HostAccount account, CgroupMounts mounts)
    {
        foreach (var controller in NeededLegacy.Where(controller => mounts.HierarchyOf(controller) is null))
        {
            yield return Finding.Fatal(Check, $"The {controller} controller is in no hierarchy that is mounted writable.", $"sudo mkdir -p /sys/fs/cgroup/{controller} && sudo mount -t cgroup -o {controller} none /sys/fs/cgroup/{controller} && {host.Setup}");
        }

        foreach (var mount in mounts.All)
        {
            var path = $"{mount.Path}/{new HostLayout(account).CgroupName}";
            if (IsOwned(host, account, path) && IsOwned(host, account, $"{path}/cgroup.procs")) yield return Finding.Ok(Check, $"{path} is the account's.");
            else if (mount.Controllers.Intersect(NeededLegacy).Any()) yield return Finding.Fatal(Check, $"{path} is not the account's to write.", host.Setup);
            else yield return Finding.Warning(Check, $"{path} is not the account's to write; crun makes a cgroup there too.", host.Setup);
        }
    }

    /// <summary>systemd delegates to the service's own cgroup, or to the one of the user's systemd.</summary>
    private static IEnumerable<Finding> Systemd(Examined host, HostAccount account, CgroupMount unified)
    {
        if (account.Name == HostLayout.ServiceAccount)
        {
            yield return host.Root.Lines(SystemdFiles.ServiceUnit).Contains("Delegate=yes")
                ? Finding.Ok(Check, $"{SystemdFiles.ServiceUnit} delegates the service's cgroup to it.")
                : Finding.Fatal(Check, $"{SystemdFiles.ServiceUnit} does not delegate a cgroup to the service.", host.Setup);
            yield break;
        }

        var path = $"{unified.Path}/user.slice/user-{account.Uid}.slice/user@{account.Uid}.service";
        if (!IsOwned(host, account, path))
        {
            yield return Finding.Fatal(Check, $"The systemd of {account.Name} is not running ({path} is not the account's).", $"{host.Setup} && sudo systemctl start user@{account.Uid}");
            yield break;
        }

        yield return Controllers(host, path, $"{host.Setup} && sudo systemctl restart user@{account.Uid}");
    }

    private static Finding Delegated(Examined host, HostAccount account, CgroupMount unified)
    {
        var path = $"{unified.Path}/{new HostLayout(account).CgroupName}";
        return IsOwned(host, account, path) && IsOwned(host, account, $"{path}/cgroup.procs")
            ? Controllers(host, path, host.Setup)
            : Finding.Fatal(Check, $"{path} is not the account's to write.", host.Setup);
    }

    private static Finding Controllers(Examined host, string path, string remedy)
    {
        var here = (host.Root.TryRead($"{path}/cgroup.controllers") ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var missing = NeededUnified.Except(here).ToList();
        return missing.Count == 0
            ? Finding.Ok(Check, $"{path} has {string.Join(", ", NeededUnified)}.")
            : Finding.Fatal(Check, $"{path} lacks the controllers {string.Join(", ", missing)}.", remedy);
    }

    private static bool IsOwned(Examined host, HostAccount account, string path) =>
        host.Root.TryStatus(path) is { } status && status.Uid == account.Uid && (status.Kind == FileKind.Directory || host.MayWrite(account, status));
}
