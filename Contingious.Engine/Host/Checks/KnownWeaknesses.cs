namespace Contingious.Engine.Host.Checks;

/// <summary>
/// What is known against versions of the runtimes. Sources: crun's NEWS and runc's CHANGELOG.md, which name the versions that mend it. A distribution mends
/// older versions without saying so in their number, so none of this is more than a hint.
/// </summary>
internal static class KnownWeaknesses
{
    private const string Check = "versions";
    private const string Upgrade = "sudo apt-get install --only-upgrade ";
    private const string Backports = "A distribution may have mended it in this version: its changelog says so.";

    public static IEnumerable<Finding> Of(string program, Version version) => program switch
    {
        "crun" => OfCrun(version),
        "runc" => OfRunc(version),
        _ => [],
    };

    private static IEnumerable<Finding> OfCrun(Version version)
    {
        if (version >= new Version(1, 19) && version < new Version(1, 27))
        {
            yield return Finding.Warning(Check, $"crun {version} takes the user of 'crun exec -u' for root (CVE-2026-30892). It is never used here, but by others it may be.", $"{Upgrade}crun");
        }

        if (version < new Version(1, 28))
        {
            yield return Finding.Notice(Check, $"crun {version} follows a /dev symlink out of a rootfs (CVE-2026-47766). No image with one is imported and no clone with one is run, so sandboxes are safe.", $"{Upgrade}crun");
        }
    }

    private static IEnumerable<Finding> OfRunc(Version version)
    {
        // The branch of 1.1 has no release with it.
        if (!IsMended(version, new(1, 2, 8), new(1, 3, 3), new(1, 4, 0)))
        {
            yield return Finding.Warning(
                Check,
                $"runc {version} can be led out of a rootfs by what an image or a neighbour puts in the way of its mounts of /proc and /dev (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881). {Backports} What it could reach is the account's, never root's.",
                $"{Upgrade}runc");
        }

        if (!IsMended(version, new(1, 3, 6), new(1, 4, 3), new(1, 5, 0)))
        {
            yield return Finding.Notice(Check, $"runc {version} follows a /dev symlink out of a rootfs (CVE-2026-41579). No image with one is imported and no clone with one is run, so sandboxes are safe.", $"{Upgrade}runc");
        }

        if (version < new Version(1, 1, 12))
        {
            yield return Finding.Warning(Check, $"runc {version} leaks a descriptor of the host's file system to containers (CVE-2024-21626). {Backports} Debian 12 has, in 1.1.5+ds1-1+deb12u1.", $"{Upgrade}runc");
        }
    }

    /// <summary>Whether a version is none before the first mended one of its branch.</summary>
    private static bool IsMended(Version version, params ReadOnlySpan<Version> mended)
    {
        foreach (var first in mended)
        {
            if (version.Major == first.Major && version.Minor == first.Minor) return version >= first;
        }

        return version > mended[^1];
    }
}
