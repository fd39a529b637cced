using System.Globalization;
using Contingious.Engine.Host.SetupActions;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>Everything that the host must be for one account, in the order in which it is done.</summary>
internal static class SetupPlan
{
    private const uint Closed = 0x1C0;   // 0700
    private const uint Passable = 0x1C9; // 0711
    private const uint Open = 0x1ED;     // 0755

    /// <summary>Those that a sandbox's limits and its verdict are read from, and those that keep sandboxes apart.</summary>
    private static readonly string[] WantedControllers = ["cpu", "cpuset", "io", "memory", "pids"];

    public static IEnumerable<SetupAction> For(SetupHost host, string executable, DiskSlotRequest? slots)
    {
        var mounts = CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo"));
        return [.. Account(host), .. Directories(host), .. Systemd(host, mounts, executable), .. Cgroups(host, mounts), .. UserNamespaces(host), .. Tun(host), .. DiskSlots(host, slots)];
    }

    /// <summary>What is still so after the host has started; the rest is done then, by systemd or by another setup.</summary>
    public static IEnumerable<SetupAction> OnDisk(SetupHost host) => [.. Account(host), .. Lasting(host)];

    private static IEnumerable<SetupAction> Account(SetupHost host)
    {
        if (host.IsServiceAccount) yield return new CreateServiceAccount(host.AccountName, host.Layout.StateDirectory);
        var uids = SubordinateIds.Parse(host.Root.Lines(SubordinateIds.PathOf(SubordinateKind.Uid)));
        var gids = SubordinateIds.Parse(host.Root.Lines(SubordinateIds.PathOf(SubordinateKind.Gid)));
        var missingUids = SubordinateIds.Missing(SubordinateIds.Total(uids, host.AccountName, host.Account?.Uid));
        var missingGids = SubordinateIds.Missing(SubordinateIds.Total(gids, host.AccountName, host.Account?.Uid));
        var missing = Math.Max(missingUids, missingGids);
        if (missing == 0) yield break;

        // One place for both: people compare the two files, and a uid that is also another's gid is a trap.
        var accounts = HostAccounts.TakenIds(host.Root).Select(id => new SubordinateRange("", id, 1)).ToList();
        var (lacking, other) = missingUids > 0 ? (uids, gids) : (gids, uids);
        var twin = other.FirstOrDefault(range => range.BelongsTo(host.AccountName, host.Account?.Uid) && range.Count == missing && !lacking.Concat(accounts).Any(range.Overlaps));
        var first = twin?.First ?? SubordinateIds.FirstFree(uids.Concat(gids).Concat(accounts), missing);
        if (missingUids > 0) yield return new AddSubordinateIds(host.AccountName, SubordinateKind.Uid, first, missingUids);
        if (missingGids > 0) yield return new AddSubordinateIds(host.AccountName, SubordinateKind.Gid, first, missingGids);
    }

    private static IEnumerable<SetupAction> Directories(SetupHost host) =>
        [.. Lasting(host), new MakeDirectory(host.Layout.RuntimeDirectory, Passable, host.AccountName)];

    private static IEnumerable<SetupAction> Lasting(SetupHost host)
    {
        var layout = host.Layout;
        yield return new MakeDirectory(layout.StateDirectory, Closed, host.AccountName);
        yield return new MakeDirectory(layout.ImagesDirectory, Passable, host.AccountName) { Contents = "the imported images" };
        yield return new MakeDirectory(layout.StagingDirectory, Closed, host.AccountName);
    }

    // What a package has installed is left to it.
    private static IEnumerable<SetupAction> Systemd(SetupHost host, CgroupMounts mounts, string executable)
    {
        if (!host.Root.HasSystemd) yield break;
        bool IsPackaged(string path) => host.Root.TryStatus(path) is not null;
        if (!host.IsServiceAccount || !IsPackaged(SystemdFiles.PackagedTmpfiles))
        {
            var group = host.Account?.Gid.ToString(CultureInfo.InvariantCulture) ?? host.AccountName;
            if (host.IsServiceAccount) group = host.AccountName;
            yield return new MakeDirectory("/etc/tmpfiles.d", Open, "root");
            yield return new WriteFile(SystemdFiles.TmpfilesPath(host.Layout), SystemdFiles.Tmpfiles(host.Layout, group));
        }

        if (host.IsServiceAccount)
        {
            if (!IsPackaged(SystemdFiles.PackagedServiceUnit)) yield return new WriteFile(SystemdFiles.ServiceUnit, SystemdFiles.Service(executable)) { ReloadSystemd = true };
            yield break;
        }

        var account = host.RequireAccount();
        if (!IsPackaged(SystemdFiles.PackagedUserUnit))
        {
            yield return new MakeDirectory(SystemdFiles.UserUnitDirectory, Open, "root");
            yield return new WriteFile(SystemdFiles.UserUnit(host.Layout), SystemdFiles.UserService(executable, account));
        }

        // systemd delegates to users on v2 only; a v1 host gets directories beside systemd's. Before the account's systemd is started, which has it from its start.
        if (!mounts.IsLegacy)
        {
            yield return new MakeDirectory(SystemdFiles.UserDropInDirectory(account), Open, "root");
            yield return new WriteFile(SystemdFiles.UserDropIn(account), SystemdFiles.UserDelegation) { ReloadSystemd = true };
        }

        yield return new EnableLinger(account.Name);
    }

    private static IEnumerable<SetupAction> Cgroups(SetupHost host, CgroupMounts mounts)
    {
        if (mounts.IsLegacy) return mounts.All.Select(mount => new DelegateCgroup(mount.Path, host.Layout.CgroupName, host.AccountName, mount.Unified));
        if (mounts.Unified is not { } unified || host.Root.HasSystemd) return [];
        var here = (host.Root.TryRead($"{unified.Path}/cgroup.controllers") ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return
        [
            new EnableControllers(unified.Path, [.. WantedControllers.Intersect(here)]),
            new DelegateCgroup(unified.Path, host.Layout.CgroupName, host.AccountName, Unified: true),
        ];
    }

    // A profile of somebody else's that is not loaded is theirs to load: the doctor names it.
    private static IEnumerable<SetupAction> UserNamespaces(SetupHost host)
    {
        if (AppArmorProfiles.Lack(host.Root) is { Loads: null or AppArmorProfiles.PathOfOurs } lack) yield return new AllowUserNamespaces(lack.Programs);
    }

    private static IEnumerable<SetupAction> Tun(SetupHost host)
    {
        if (host.Root.TryStatus("/dev/net") is null) yield return new MakeDirectory("/dev/net", Open, "root");
        yield return new OpenTunDevice();
    }

    // Told anew each time, or left as they are.
    private static IEnumerable<SetupAction> DiskSlots(SetupHost host, DiskSlotRequest? slots)
    {
        if (slots is not null) yield return new ProvisionDiskSlots(slots, host.Layout.DiskSlotsDirectory, host.Layout.Name, host.AccountName);
    }
}
