using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>
/// The one user and mount namespace of an account, kept alive by a pausing process of its own. Agent and command line
/// join it; it outlives them all. Found through a file that holds its pid and start time, so that a pid used again is
/// not taken for it. Works outside of the namespace, as the account.
/// </summary>
public sealed class Keeper(HostLayout layout, TimeProvider time)
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(1);

    /// <summary>The live keeper, or nothing.</summary>
    public ProcessIdentity? Find()
    {
        if (AccountFile.TryRead(layout.KeeperFile) is not { } written) return null;
        try
        {
            var record = JsonMembers.Of(written);
            var identity = new ProcessIdentity(JsonMembers.Int32(record, "pid"), JsonMembers.UInt64(record, "startTime"));
            return identity.IsAlive ? identity : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether this process is in the user namespace of the live keeper: not so outside of it, and no longer so where the keeper has ended or another one has
    /// taken its place.
    /// </summary>
    public bool IsOwn() => Find() is { } keeper && ProcessIdentity.UserNamespaceOf(keeper.Pid) is { } its && its == ProcessIdentity.OwnUserNamespace;

    /// <summary>The arguments with which nsenter(1) becomes a program inside of it.</summary>
    public static IReadOnlyList<string> WayInto(ProcessIdentity keeper, string program, IReadOnlyList<string> args) =>
        ["--user", "--mount", "--preserve-credentials", "--target", keeper.Pid.ToString(CultureInfo.InvariantCulture), "--", program, .. args];

    /// <summary>The live keeper; one is started where there is none. However many ask at once, one is started.</summary>
    /// <exception cref="HostNotReadyException">It cannot be started; the message says what to do.</exception>
    public async Task<ProcessIdentity> EnsureAsync(CancellationToken cancellation)
    {
        if (Find() is { } live) return live;
        using var alone = await LockAsync(cancellation).ConfigureAwait(false);
        if (Find() is { } started) return started;
        await BuryAsync().ConfigureAwait(false);
        return await StartAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends the keeper and what an agent that died left in it. A live agent keeps its own view of the namespace until it ends.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> StopAsync(CancellationToken cancellation)
    {
        using var alone = await LockAsync(cancellation).ConfigureAwait(false);
        var live = Find();
        live?.Signal(ProcessIdentity.SigTerm);
        while (live is { IsAlive: true }) await Task.Delay(TimeSpan.FromMilliseconds(5), time, cancellation).ConfigureAwait(false);
        await BuryAsync().ConfigureAwait(false);
        File.Delete(layout.KeeperFile);
        return live is not null;
    }

    private async Task<FileLock> LockAsync(CancellationToken cancellation)
    {
        try
        {
            return await FileLock.ClaimAsync($"{layout.RuntimeDirectory}/keeper.lock", cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HostNotReadyException(
                $"{layout.RuntimeDirectory} is not usable by {layout.Account.Name} ({error.Message}). Prepare the host with: sudo contingious setup{SetupFlag(layout)}", error);
        }
    }

    /// <summary>
    /// Kills what a dead keeper's sandboxes still run and removes their cgroups. A sandbox whose lock is held is not
    /// orphaned: its agent joined the old namespace and lives on.
    /// </summary>
    private async Task BuryAsync()
    {
        var homes = CgroupHomes.Of(layout);
        foreach (var name in homes.SandboxNames())
        {
            Directory.CreateDirectory(layout.LocksDirectory);
            var path = $"{layout.LocksDirectory}/{name}";
            using var orphan = FileLock.TryClaim(path);
            if (orphan is null) continue;
            try
            {
                if (homes.Find(name) is { } cgroup) await cgroup.DiscardAsync(TimeSpan.FromSeconds(5), time).ConfigureAwait(false);
                File.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Something of it cannot be killed yet. It stays for the sweep, and keeps no keeper from being there.
            }
        }
    }

    private async Task<ProcessIdentity> StartAsync(CancellationToken cancellation)
    {
        var ready = $"{layout.RuntimeDirectory}/keeper.ready";
        File.Delete(ready);
        Directory.CreateDirectory(layout.RootlesskitDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(layout.LocksDirectory);
        Directory.CreateDirectory(layout.SlicesDirectory);
        var mounts = CgroupMounts.Read();
        var unified = mounts.HasV1 ? mounts.Unified?.Path ?? "" : "";
        await ProgramRunner.RequireAsync(Rootlesskit.StartKeeper(layout, ready, unified), cancellation).ConfigureAwait(false);

        var begun = time.GetTimestamp();
        while (!File.Exists(ready))
        {
            if (time.GetElapsedTime(begun) > StartPatience) throw NotStarted("it was not ready in time");
            if (SaysItFailed() is { } complaint) throw NotStarted(complaint);
            await Task.Delay(TimeSpan.FromMilliseconds(5), time, cancellation).ConfigureAwait(false);
        }

        var pid = int.Parse(await File.ReadAllTextAsync(ready, cancellation).ConfigureAwait(false), CultureInfo.InvariantCulture);
        var identity = ProcessIdentity.Of(pid) ?? throw NotStarted("it ended as soon as it was ready");
        var next = $"{layout.KeeperFile}.new";
        await File.WriteAllBytesAsync(next, JsonSerializer.SerializeToUtf8Bytes(new KeeperRecord(identity.Pid, identity.StartTime), KeeperJson.Default.KeeperRecord), cancellation).ConfigureAwait(false);
        File.Move(next, layout.KeeperFile, overwrite: true);
        File.Delete(ready);
        return identity;
    }

    // rootlesskit ends with a line of its own when its child fails or cannot be made.
    private string? SaysItFailed()
    {
        try
        {
            var log = File.ReadAllText(layout.KeeperLog).Trim();
            return log.Contains("[rootlesskit:parent] error", StringComparison.Ordinal) ? log : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private HostNotReadyException NotStarted(string why) => new(
        $"The namespace of {layout.Account.Name} could not be started: {why}. See {layout.KeeperLog}; 'contingious doctor' names what is missing and 'sudo contingious setup{SetupFlag(layout)}' mends it.");

    private static string SetupFlag(HostLayout layout) =>
        layout.Account.Name == HostLayout.ServiceAccount ? "" : $" --account {layout.Account.Name}";
}

internal sealed record KeeperRecord(int Pid, ulong StartTime);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KeeperRecord))]
internal sealed partial class KeeperJson : JsonSerializerContext;
