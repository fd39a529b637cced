namespace Contingious.Engine.Linux;

/// <summary>Where the cgroup hierarchies of this host are mounted, from proc(5)'s mountinfo.</summary>
/// <param name="V1">For each v1 controller (or <c>name=…</c> hierarchy), its mount point.</param>
/// <param name="V2">The mount point of the unified hierarchy, or nothing.</param>
public sealed record CgroupMounts(IReadOnlyDictionary<string, string> V1, string? V2)
{
    /// <summary>Whether the v1 controllers that a sandbox needs are there.</summary>
    public bool HasV1 => CgroupV1.Controllers.All(V1.ContainsKey);

    public static CgroupMounts Read(string mountInfo = "/proc/self/mountinfo") => Parse(File.ReadLines(mountInfo));

    public static CgroupMounts Parse(IEnumerable<string> lines)
    {
        var v1 = new Dictionary<string, string>();
        string? v2 = null;
        foreach (var line in lines)
        {
            // 36 35 98:0 /root /mount/point options [optional fields] - type source super-options
            var separator = line.IndexOf(" - ", StringComparison.Ordinal);
            if (separator < 0) continue;
            var left = line[..separator].Split(' ');
            var right = line[(separator + 3)..].Split(' ');
            if (left.Length < 5 || right.Length < 3) continue;
            if (right[0] == "cgroup2") v2 ??= left[4];
            if (right[0] != "cgroup") continue;
            foreach (var option in right[2].Split(',')) v1.TryAdd(option, left[4]);
        }

        return new CgroupMounts(v1, v2);
    }
}
