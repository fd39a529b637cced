using System.Globalization;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// Where everything of one account lives. The service account is <c>contingious</c>; any other account that
/// <c>contingious setup --account NAME</c> prepared has directories of its own, named <c>contingious-NAME</c>.
/// </summary>
public sealed record HostLayout(HostAccount Account)
{
    public const string ServiceAccount = "contingious";

    /// <summary>The account's name for directories and cgroups.</summary>
    public string Name => Account.Name == ServiceAccount ? ServiceAccount : $"{ServiceAccount}-{Account.Name}";

    /// <summary>Kept over reboots; mode 0700.</summary>
    public string StateDirectory => $"/var/lib/{Name}";

    /// <summary>Imported images, a directory each; mode 0711 below the closed state directory.</summary>
    public string ImagesDirectory => $"{StateDirectory}/images";

    /// <summary>Layers that were unpacked once, one directory a diff id, on the file system of <see cref="ImagesDirectory"/>; mode 0700.</summary>
    public string LayersDirectory => $"{StateDirectory}/layers";

    /// <summary>Where images are built and unpacked before they are published by a rename into <see cref="ImagesDirectory"/>.</summary>
    public string StagingDirectory => $"{StateDirectory}/staging";

    /// <summary>A directory for each sandbox whose disk is a watched one; mode 0700.</summary>
    public string WatchedDisksDirectory => $"{StateDirectory}/disks";

    /// <summary>A link to where the directories with a project quota are; setup makes it where it was asked for them.</summary>
    public string DiskSlotsDirectory => $"{StateDirectory}/disk-slots";

    /// <summary>Gone after a reboot; mode 0711, so that a container's own root can walk through it to its rootfs.</summary>
    public string RuntimeDirectory => $"/run/{Name}";

    /// <summary>The directory of this name in each cgroup hierarchy that was delegated to the account.</summary>
    public string CgroupName => Name;

    /// <summary>A file for each cgroup that has sandboxes of the account below it (v2): <see cref="CgroupHomes"/>.</summary>
    public string CgroupHomesDirectory => $"{RuntimeDirectory}/cgroups";

    public string KeeperFile => $"{RuntimeDirectory}/keeper.json";

    public string KeeperLog => $"{RuntimeDirectory}/keeper.log";

    public string RootlesskitDirectory => $"{RuntimeDirectory}/rootlesskit";

    /// <summary>The keeper into which its owner looks from outside (proc_pid_root(5)); nothing for whoever is inside.</summary>
    public ProcessIdentity? Keeper { get; init; }

    /// <summary>The same as seen from inside the keeper: what a program that is started there is told.</summary>
    public HostLayout Inside => Keeper is null ? this : this with { Keeper = null };

    /// <summary>What paths in the keeper's mount namespace begin with, as this process sees them.</summary>
    public string KeeperRoot => Keeper is { } keeper ? string.Create(CultureInfo.InvariantCulture, $"/proc/{keeper.Pid}/root") : "";

    /// <summary>A tmpfs that is mounted in the keeper's mount namespace only: below its path the host sees nothing.</summary>
    public string PrivateDirectory => $"{KeeperRoot}{RuntimeDirectory}/private";

    /// <summary>A view of <see cref="ImagesDirectory"/> that a container's own root can reach.</summary>
    public string ImagesView => $"{PrivateDirectory}/images";

    public string SandboxesDirectory => $"{PrivateDirectory}/sandboxes";

    /// <summary>One lock file for each slice of the subordinate ids in use.</summary>
    public string SlicesDirectory => $"{RuntimeDirectory}/slices";

    /// <summary>One lock file for each live sandbox: what is not locked was left behind. On the host, so that it outlives a keeper.</summary>
    public string LocksDirectory => $"{RuntimeDirectory}/locks";

    /// <summary>crun's <c>--root</c>.</summary>
    public string CrunDirectory => $"{PrivateDirectory}/crun";

    /// <summary>runc's <c>--root</c>, which it makes itself.</summary>
    public string RuncDirectory => $"{PrivateDirectory}/runc";
}

/// <summary>An account of the host, as passwd(5) has it.</summary>
public sealed record HostAccount(string Name, uint Uid, uint Gid, string Home)
{
    /// <summary>Reads one line of passwd(5); nothing where it is not one.</summary>
    public static HostAccount? Parse(string line)
    {
        var fields = line.Split(':');
        if (fields.Length < 7) return null;
        return uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var uid)
            && uint.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var gid)
            ? new HostAccount(fields[0], uid, gid, fields[5])
            : null;
    }
}
