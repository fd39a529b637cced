using System.Diagnostics;
using System.Globalization;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>
/// How a command gets to where sandboxes can be joined, on a host with cgroup v2. A process may be moved only by whoever may write to the cgroup above both
/// ends, so it must be below what was handed to the account before it gives up root or goes into the keeper: in the agent's service, or in a scope of its own,
/// which systemd makes: around this process where D-Bus gets there, and else by systemd-run, which becomes this program anew.
/// </summary>
internal static class CgroupEntry
{
    // Set for the process that systemd-run becomes: it does not ask twice.
    private const string ScopeVariable = "CONTINGIOUS_SCOPE";

    /// <summary>How long systemd may take for what takes it milliseconds.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    // Remembered, for what was inherited goes from the environment, and this process may come here once more.
    private static bool isAgain;

    /// <summary>Makes sure of it. Where systemd-run is needed this process starts over, as who it is, and does not return.</summary>
    /// <param name="layout">The account, with a view into the keeper where a sandbox is to be joined.</param>
    /// <param name="isHostRoot">Whether this process is still root.</param>
    /// <param name="sandbox">The sandbox that is to be joined, by its name or job; nothing where only new ones are made.</param>
    /// <param name="program">This program.</param>
    /// <param name="args">What it starts over with.</param>
    /// <param name="cancellation">Gives up waiting for systemd.</param>
    /// <exception cref="HostNotReadyException">Nobody can make a scope for this process; the message says what to do.</exception>
    public static async Task EnsureAsync(HostLayout layout, bool isHostRoot, string? sandbox, string program, IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var mounts = CgroupMounts.Read();
        if (mounts.IsLegacy || mounts.Unified is not { } unified) return;
        isAgain |= Environment.GetEnvironmentVariable(ScopeVariable) is not null;
        Environment.SetEnvironmentVariable(ScopeVariable, null);
        if (isHostRoot && sandbox is not null && TryJoin(HomeOf(layout, sandbox))) return;

        if (DelegatedUnit.FindOwn(unified, layout, layout.Account.Uid) is not null) return;
        if (isAgain) throw new HostNotReadyException($"systemd made a scope for this command, and did not delegate its cgroup to {layout.Account.Name}. {DelegatedUnit.Remedy(layout)}");
        if (!HostRoot.Real.HasSystemd)
        {
            JoinMadeBySetup(layout, isHostRoot, $"{unified.Path}/{layout.CgroupName}");
            return;
        }

        var env = ProcessImage.Environment();
        if (!isHostRoot) FindManager(layout, env);
        var scope = new CgroupScope(layout.Account, isHostRoot);
        if (await TryMoveAsync(scope, env, () => DelegatedUnit.FindOwn(unified, layout, layout.Account.Uid) is not null, cancellation).ConfigureAwait(false)) return;

        // What the service's end would end too, but systemd before 251 makes no scope of another account's.
        if (isHostRoot && TryJoin(Service(layout))) return;
        env[ScopeVariable] = "1";
        var systemdRun = ProgramRunner.Find("systemd-run") ?? throw new HostNotReadyException("The program systemd-run is not installed. Mend it with: apt-get install systemd");
        throw ProcessImage.Replace(systemdRun, [.. scope.ForSystemdRun(), program, .. args], env);
    }

    /// <summary>Has systemd make the scope around this process as it runs.</summary>
    /// <returns>False where nobody listens on D-Bus, or systemd does not come round to it.</returns>
    private static async Task<bool> TryMoveAsync(CgroupScope scope, IReadOnlyDictionary<string, string> env, Func<bool> isMoved, CancellationToken cancellation)
    {
        if (ProgramRunner.Find("busctl") is not { } busctl) return false;
        var asked = await ProgramRunner.RunAsync(new ProgramRequest(busctl, [.. scope.ForBusctl(Environment.ProcessId)]) { Env = env }, cancellation).ConfigureAwait(false);
        if (asked.ExitCode != 0) return false;

        // The answer names a job of systemd's, which is what moves this process.
        for (var begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < patience;)
        {
            if (isMoved()) return true;
            await Task.Delay(TimeSpan.FromMilliseconds(1), cancellation).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>The unit that a sandbox is below. Its cgroup has the name that it was made by, which need not be its job's.</summary>
    private static string? HomeOf(HostLayout layout, string sandbox)
    {
        if (!Directory.Exists(layout.LocksDirectory)) return null;
        var homes = CgroupHomes.Of(layout).Directories();
        var names = Directory.EnumerateFiles(layout.LocksDirectory).Select(path => Path.GetFileName(path));
        return Sandboxes.SandboxTable.Meant(names, sandbox)
            .Select(name => Path.GetFileName(Sandboxes.Sandbox.PlaceOf(layout, name)))
            .Select(place => homes.FirstOrDefault(home => Directory.Exists($"{home}/{place}")))
            .FirstOrDefault(home => home is not null);
    }

    private static string? Service(HostLayout layout) => CgroupHomes.Of(layout).Directories().FirstOrDefault(home => home.EndsWith(".service", StringComparison.Ordinal));

    // cron and the like leave these unset, and su(1) leaves them as they were of another account.
    private static void FindManager(HostLayout layout, Dictionary<string, string> env)
    {
        var isOwn = env.TryGetValue("XDG_RUNTIME_DIR", out var given) && HostPath.TryStatus(given)?.Uid == layout.Account.Uid;
        if (isOwn && env.ContainsKey("DBUS_SESSION_BUS_ADDRESS")) return;
        var directory = string.Create(CultureInfo.InvariantCulture, $"/run/user/{layout.Account.Uid}");
        if (!File.Exists($"{directory}/bus") && !File.Exists($"{directory}/systemd/private")) throw new HostNotReadyException($"No systemd of {layout.Account.Name} runs that could give this command a cgroup. {DelegatedUnit.Remedy(layout)}");
        env["XDG_RUNTIME_DIR"] = directory;
        env["DBUS_SESSION_BUS_ADDRESS"] = $"unix:path={directory}/bus";
    }

    /// <summary>Moves this process to those of a unit.</summary>
    /// <returns>False where there is none, or it has gone meanwhile: the service was stopped.</returns>
    private static bool TryJoin(string? home)
    {
        if (home is null) return false;
        try
        {
            File.WriteAllText($"{home}/{DelegatedUnit.Leaf}/cgroup.procs", "0");
            return true;
        }
        catch (IOException) when (!Directory.Exists(home))
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
}
