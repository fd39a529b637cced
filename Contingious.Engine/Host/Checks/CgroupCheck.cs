using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>Whether the account has cgroups of its own to limit and count sandboxes with.</summary>
internal static class CgroupCheck
{
    private const string Check = "cgroups";

    /// <summary>Limits and verdicts come from these; freezer is how v1 kills a whole cgroup.</summary>
    private static readonly string[] NeededLegacy = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    /// <summary>Nothing rests on them.</summary>
    private static readonly string[] Useful = ["cpuset", "io"];

    public static IEnumerable<Finding> Run(Examined host)
    {
        var mounts = CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo"));
        if (mounts.All.Count == 0) return [Finding.Fatal(Check, "No cgroup hierarchy is mounted.", "sudo mount -t cgroup2 none /sys/fs/cgroup")];
        if (mounts.IsLegacy) return host.Account is { } owner ? Legacy(host, owner, mounts) : [];
        if (mounts.Unified is not { } unified) return [Finding.Fatal(Check, "The memory controller is in no hierarchy that is mounted writable.", "sudo mount -t cgroup2 none /sys/fs/cgroup")];
        if (host.Account is not { } account) return [];
        return [.. host.Root.HasSystemd ? Systemd(host, account, unified) : [Delegated(host, account, unified)], .. CgroupFeatures.Missing(host, unified)];
    }

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

    /// <summary>
    /// systemd is who hands cgroups on: the unit of the service, or a scope that it is asked for. Which way a command goes depends on where it is started.
    /// </summary>
    private static IEnumerable<Finding> Systemd(Examined host, HostAccount account, CgroupMount unified) =>
        account.Name == HostLayout.ServiceAccount ? OfService(host, unified) : OfUser(host, account, unified);

    private static IEnumerable<Finding> OfService(Examined host, CgroupMount unified)
    {
        if (SystemdFiles.HeldServiceUnit(host.Root) is not { } unit)
        {
            yield return Finding.Fatal(Check, "There is no unit contingious.service: systemd has nobody to hand a cgroup to.", host.Setup);
            yield break;
        }

        // A drop-in can say it too.
        if (!WithDropIns(host, unit).Any(line => line.StartsWith("Delegate=", StringComparison.Ordinal) && line is not ("Delegate=no" or "Delegate=false" or "Delegate=0" or "Delegate=off")))
        {
            yield return Finding.Fatal(Check, $"{unit} does not delegate a cgroup to the service.", host.Setup);
            yield break;
        }

        yield return Finding.Ok(Check, $"The agent's jobs run below the cgroup of contingious.service, written by itself (cgroupfs), because {unit} delegates it. What root runs by hand goes into a scope that systemd makes for it.");
        var service = $"{unified.Path}/system.slice/contingious.service";
        yield return Controllers(host, host.Root.TryStatus(service) is null ? unified.Path : service, "sudo systemctl restart contingious");
    }

    private static IEnumerable<Finding> OfUser(Examined host, HostAccount account, CgroupMount unified)
    {
        var path = $"{unified.Path}/user.slice/user-{account.Uid}.slice/user@{account.Uid}.service";
        if (!IsOwned(host, account, path))
        {
            yield return Finding.Fatal(Check, $"The systemd of {account.Name} is not running ({path} is not the account's).", $"{host.Setup} && sudo systemctl start user@{account.Uid}");
            yield break;
        }

        yield return Finding.Ok(Check, $"Jobs of {account.Name} run below a scope or service of the account's own systemd, written by themselves (cgroupfs), because user@{account.Uid}.service is delegated to it. A command that is in no such unit has that systemd make a scope for it.");
        yield return Controllers(host, path, $"{host.Setup} && sudo systemctl restart user@{account.Uid}");
        if (host.Root.TryStatus($"/var/lib/systemd/linger/{account.Name}") is null)
        {
            yield return Finding.Warning(Check, $"{account.Name} does not linger: systemd ends the account's sandboxes with its last session.", $"sudo loginctl enable-linger {account.Name}");
        }
    }

    private static IEnumerable<string> WithDropIns(Examined host, string unit) =>
        host.Root.Files($"{SystemdFiles.ServiceUnit}.d").Where(file => file.EndsWith(".conf", StringComparison.Ordinal)).Prepend(unit)
            .SelectMany(host.Root.Lines).Select(line => line.Trim());

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
        var missing = CgroupV2.Controllers.Except(here).ToList();
        if (missing.Count > 0) return Finding.Fatal(Check, $"{path} lacks the controllers {string.Join(", ", missing)}.", remedy);
        var useful = Useful.Except(here).ToList();
        return useful.Count == 0
            ? Finding.Ok(Check, $"{path} has {string.Join(", ", CgroupV2.Controllers.Concat(Useful))}.")
            : Finding.Notice(Check, $"{path} has {string.Join(", ", CgroupV2.Controllers)}, which is what sandboxes need, and lacks {string.Join(", ", useful)}: jobs cannot be bound to certain CPUs, or their disk traffic weighed, by whoever wants to.", remedy);
    }

    private static bool IsOwned(Examined host, HostAccount account, string path) =>
        host.Root.TryStatus(path) is { } status && status.Uid == account.Uid && (status.Kind == FileKind.Directory || host.MayWrite(account, status));
}
