using Contingious.Engine.Linux;

namespace Contingious.Tests.Support;

/// <summary>What runs in sandboxes, wherever its cgroup went: processes whose uid is in a slice of the account's. Not a dead one that waits for its parent.</summary>
internal static class SandboxProcesses
{
    private const uint FirstOfSlices = 65_536;

    /// <summary>By name and pid.</summary>
    public static List<string> Alive()
    {
        var uids = IdMap.OwnUids();
        return [.. Named(uid => uid >= FirstOfSlices && uids.Any(extent => uid >= extent.Inside && uid < extent.Inside + extent.Count))];
    }

    /// <summary>Programs of the account's own that serve sandboxes.</summary>
    public static IEnumerable<string> Helpers() => Named(uid => uid == 0).Where(name => name.StartsWith("slirp4netns ", StringComparison.Ordinal) || name.StartsWith("crun ", StringComparison.Ordinal));

    private static IEnumerable<string> Named(Func<uint, bool> uid) =>
        Directory.EnumerateDirectories("/proc")
            .Where(directory => int.TryParse(Path.GetFileName(directory), out _))
            .Select(directory => (Pid: Path.GetFileName(directory), Status: TryRead($"{directory}/status")))
            .Where(process => !process.Status.Any(line => line.StartsWith("State:\tZ", StringComparison.Ordinal)))
            .Where(process => process.Status.Any(line => line.StartsWith("Uid:", StringComparison.Ordinal) && uid(uint.Parse(line.Split('\t')[1]))))
            .Select(process => $"{process.Status[0]["Name:\t".Length..]} {process.Pid}")
            .Order(StringComparer.Ordinal);

    private static string[] TryRead(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
