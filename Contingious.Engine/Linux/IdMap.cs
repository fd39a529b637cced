using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>One line of a uid_map or gid_map (user_namespaces(7)): a run of ids that lie in one piece inside and outside.</summary>
/// <param name="Inside">The first id in the namespace.</param>
/// <param name="Outside">The id that it is one namespace further out.</param>
/// <param name="Count">How many follow on.</param>
public readonly record struct IdExtent(uint Inside, uint Outside, uint Count);

/// <summary>The ids that a user namespace has.</summary>
public static class IdMap
{
    public static IReadOnlyList<IdExtent> OwnUids() => Parse(KernelFile.Read("/proc/self/uid_map").Split('\n'));

    public static IReadOnlyList<IdExtent> OwnGids() => Parse(KernelFile.Read("/proc/self/gid_map").Split('\n'));

    public static IReadOnlyList<IdExtent> Parse(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(fields => fields.Length == 3).Select(fields => new IdExtent(Number(fields[0]), Number(fields[1]), Number(fields[2])))];

    /// <summary>What an id inside is outside; itself where it is not mapped.</summary>
    public static uint ToOutside(IReadOnlyList<IdExtent> map, uint id)
    {
        foreach (var extent in map)
        {
            if (id >= extent.Inside && id - extent.Inside < extent.Count) return extent.Outside + (id - extent.Inside);
        }

        return id;
    }

    /// <summary>As the other one, of the user namespace of this process. Every command asks, so that it makes no list of what it looks at once.</summary>
    internal static uint ToOutside(uint id)
    {
        foreach (var line in KernelFile.Read("/proc/self/uid_map").Split('\n'))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 3 && id >= Number(fields[0]) && id - Number(fields[0]) < Number(fields[2])) return Number(fields[1]) + (id - Number(fields[0]));
        }

        return id;
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
}
