using System.Text;
using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>What still runs of an account: nothing may, before its ground is taken away.</summary>
internal static class LiveProcesses
{
    private const int MaxKeeperFile = 64 << 10;

    /// <exception cref="HostNotReadyException">The keeper is alive, or a process is in one of the account's cgroups.</exception>
    public static void RequireNone(SetupHost host)
    {
        var stop = host.IsServiceAccount ? "contingious keeper stop" : $"sudo -u {host.AccountName} contingious keeper stop";
        if (Keeper(host) is { } keeper)
        {
            throw new HostNotReadyException($"The keeper of {host.AccountName} is running (process {keeper}). Stop it first: {stop}");
        }

        foreach (var mount in CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo")).All)
        {
            var path = $"{mount.Path}/{host.Layout.CgroupName}";
            if (host.Root.TryStatus(path) is null || InCgroup(host.Root.At(path)) is not { } process) continue;
            throw new HostNotReadyException($"Process {process} is in the cgroup {path}. Stop the agent and the keeper first: {stop}");
        }

        if (!host.Root.IsReal || host.Account is null) return;
        foreach (var home in CgroupHomes.Of(host.Layout).Directories())
        {
            if (InCgroup(home) is { } process) throw new HostNotReadyException($"Process {process} is in the cgroup {home}. Stop the agent and the keeper first: {(host.IsServiceAccount ? "systemctl stop contingious && " : "")}{stop}");
        }
    }

    /// <summary>The keeper's process id where it is alive: a process of that id that started when the keeper did.</summary>
    private static string? Keeper(SetupHost host)
    {
        if (ReadKeeperFile(host) is not { } text) return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            var keeper = document.RootElement;
            if (keeper.ValueKind != JsonValueKind.Object || !keeper.TryGetProperty("pid", out var pid) || !pid.TryGetInt32(out var number)) return null;
            if (!keeper.TryGetProperty("startTime", out var startTime)) return null;
            return StartTime(host.Root, number) == startTime.ToString() ? pid.ToString() : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not a keeper's file. Whatever runs still shows in the cgroups.
            return null;
        }
    }

    /// <summary>The account can put anything there, and root reads it: no link is followed, nothing but a small regular file is read.</summary>
    private static string? ReadKeeperFile(SetupHost host)
    {
        var path = host.Layout.KeeperFile;
        if (host.Root.TryStatus(host.Layout.RuntimeDirectory) is not { Kind: FileKind.Directory }) return null;
        using var directory = host.Root.OpenParent(path);
        var name = Encoding.UTF8.GetBytes(Path.GetFileName(path));
        if (directory.TryStatus(name) is not { Kind: FileKind.Regular }) return null;
        using var file = directory.OpenRead(name);
        if (DirectoryHandle.StatusOf(file) is not { Kind: FileKind.Regular, Size: <= MaxKeeperFile }) return null;
        var content = new byte[MaxKeeperFile];
        return Encoding.UTF8.GetString(content, 0, RandomAccess.Read(file, content, 0));
    }

    /// <summary>Field 22 of proc_pid_stat(5); the name in field 2 may hold blanks and brackets.</summary>
    private static string? StartTime(HostRoot root, int pid)
    {
        if (root.TryRead($"/proc/{pid}/stat") is not { } stat) return null;
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19 ? fields[19] : null;
    }

    private static string? InCgroup(string directory)
    {
        var procs = Path.Combine(directory, "cgroup.procs");
        var found = File.Exists(procs) ? File.ReadLines(procs).FirstOrDefault() : null;
        return found ?? Directory.EnumerateDirectories(directory).Select(InCgroup).FirstOrDefault(process => process is not null);
    }
}
