using System.Globalization;
using System.Security.Cryptography;

namespace Contingious.Engine.Host;

/// <summary>
/// The scope of a command that somebody starts by hand: a unit of systemd's around processes that it did not start, with a cgroup that is handed to an account.
/// Told in the words of each way to ask for it: systemd-run(1), and the D-Bus call of org.freedesktop.systemd1(5).
/// </summary>
/// <param name="account">Whose it is to be.</param>
/// <param name="isOfHost">Whether root asks the host's systemd; else the account asks its own.</param>
internal sealed class CgroupScope(HostAccount account, bool isOfHost)
{
    private readonly string unit = $"{HostLayout.ServiceAccount}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.scope";

    private string Description => $"A command of {account.Name}'s sandboxes";

    /// <summary>What systemd-run is started with; the program and its arguments follow.</summary>
    public IEnumerable<string> ForSystemdRun() =>
    [
        .. isOfHost ? [$"--property=User={Number(account.Uid)}", $"--property=Group={Number(account.Gid)}"] : new[] { "--user" },
        "--scope", "--quiet", "--collect", "--property=Delegate=yes", $"--unit={unit}", $"--description={Description}", "--",
    ];

    /// <summary>What busctl(1) is started with, to have the scope made around a process.</summary>
    public IEnumerable<string> ForBusctl(int pid)
    {
        List<string[]> properties =
        [
            ["PIDs", "au", "1", pid.ToString(CultureInfo.InvariantCulture)],
            ["Delegate", "b", "true"],
            ["CollectMode", "s", "inactive-or-failed"],
            ["Description", "s", Description],
        ];
        if (isOfHost) properties.AddRange([["User", "s", Number(account.Uid)], ["Group", "s", Number(account.Gid)]]);
        return
        [
            isOfHost ? "--system" : "--user", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
            "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", properties.Count.ToString(CultureInfo.InvariantCulture), .. properties.SelectMany(property => property), "0",
        ];
    }

    private static string Number(uint id) => id.ToString(CultureInfo.InvariantCulture);
}
