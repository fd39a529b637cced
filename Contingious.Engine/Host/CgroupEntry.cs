using System.Globalization;
using System.Security.Cryptography;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>
/// How a command gets to where sandboxes can be joined, on a host with cgroup v2. A process may be moved only by whoever may write to the cgroup above both
/// ends, so it must be below what was handed to the account before it gives up root or goes into the keeper: in the agent's service, or in a scope of its own,
/// which systemd makes.
/// </summary>
internal static class CgroupEntry
{
    // Set for the process that systemd-run becomes: it does not ask twice.
    private const string ScopeVariable = "CONTINGIOUS_SCOPE";

    /// <summary>Makes sure of it. Where a scope is needed this process starts over in it, as who it is, and does not return.</summary>
    /// <param name="layout">The account.</param>
    /// <param name="isHostRoot">Whether this process is still root.</param>
    /// <param name="sandbox">The sandbox that is to be joined, by its name or job; nothing where only new ones are made.</param>
    /// <param name="program">This program.</param>
    /// <param name="args">What it starts over with.</param>
    /// <exception cref="HostNotReadyException">Nobody can make a scope for this process; the message says what to do.</exception>
    public static void Ensure(HostLayout layout, bool isHostRoot, string? sandbox, string program, IReadOnlyList<string> args)
    {
        var mounts = CgroupMounts.Read();
        if (mounts.IsLegacy || mounts.Unified is not { } unified) return;
        var isAgain = Environment.GetEnvironmentVariable(ScopeVariable) is not null;
        Environment.SetEnvironmentVariable(ScopeVariable, null);
        if (isHostRoot && Home(layout, sandbox) is { } home && TryJoin($"{home}/{DelegatedUnit.Leaf}")) return;

        if (DelegatedUnit.FindOwn(unified, layout, layout.Account.Uid) is not null) return;
        if (isAgain) throw new HostNotReadyException($"systemd made a scope for this command, and did not delegate its cgroup to {layout.Account.Name}. {DelegatedUnit.Remedy(layout)}");
        if (!HostRoot.Real.HasSystemd)
        {
            JoinMadeBySetup(layout, isHostRoot, $"{unified.Path}/{layout.CgroupName}");
            return;
        }

        var env = ProcessImage.Environment();
        env[ScopeVariable] = "1";
        if (!isHostRoot) FindManager(layout, env);
        var systemdRun = ProgramRunner.Find("systemd-run") ?? throw new HostNotReadyException("The program systemd-run is not installed. Mend it with: apt-get install systemd");
        throw ProcessImage.Replace(systemdRun, [.. Scope(layout, isHostRoot), "--", program, .. args], env);
    }

    private static IEnumerable<string> Scope(HostLayout layout, bool isHostRoot) =>
    [
        .. isHostRoot
            ? [$"--property=User={Number(layout.Account.Uid)}", $"--property=Group={Number(layout.Account.Gid)}"]
            : new[] { "--user" },
        "--scope", "--quiet", "--collect", "--property=Delegate=yes",
        $"--unit={HostLayout.ServiceAccount}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}",
        $"--description=A command of {layout.Account.Name}'s sandboxes",
    ];

    /// <summary>Where root goes: to the sandbox's, or where the agent's service is.</summary>
    private static string? Home(HostLayout layout, string? sandbox)
    {
        var homes = CgroupHomes.Of(layout).Directories();
        return sandbox is null
            ? homes.FirstOrDefault(home => home.EndsWith(".service", StringComparison.Ordinal))
            : homes.FirstOrDefault(home => Directory.EnumerateDirectories(home).Any(path => Sandboxes.SandboxTable.IsNamed(Path.GetFileName(path), sandbox)));
    }

    // su(1), cron and the like leave these unset.
    private static void FindManager(HostLayout layout, Dictionary<string, string> env)
    {
        if (env.ContainsKey("DBUS_SESSION_BUS_ADDRESS") && env.ContainsKey("XDG_RUNTIME_DIR")) return;
        var directory = $"/run/user/{Number(layout.Account.Uid)}";
        if (!File.Exists($"{directory}/bus") && !File.Exists($"{directory}/systemd/private")) throw new HostNotReadyException($"No systemd of {layout.Account.Name} runs that could give this command a cgroup. {DelegatedUnit.Remedy(layout)}");
        env["XDG_RUNTIME_DIR"] = directory;
        env["DBUS_SESSION_BUS_ADDRESS"] = $"unix:path={directory}/bus";
    }

    /// <summary>Moves this process.</summary>
    /// <returns>False where the cgroup has gone meanwhile: the service was stopped.</returns>
    private static bool TryJoin(string directory)
    {
        try
        {
            File.WriteAllText($"{directory}/cgroup.procs", "0");
            return true;
        }
        catch (IOException) when (!Directory.Exists(directory))
        {
            return false;
        }
    }

    private static void JoinMadeBySetup(HostLayout layout, bool isHostRoot, string directory)
    {
        if (!isHostRoot) throw new HostNotReadyException($"Without systemd only root can enter the cgroup of {layout.Account.Name}: run this with sudo.");
        if (!Directory.Exists(directory)) throw new HostNotReadyException($"{directory} is not there. Make it with: {DelegatedUnit.SetupCommand(layout)}");
        var leaf = $"{directory}/{DelegatedUnit.Leaf}";
        Directory.CreateDirectory(leaf);
        File.WriteAllText($"{leaf}/cgroup.procs", "0");
    }

    private static string Number(uint id) => id.ToString(CultureInfo.InvariantCulture);
}
