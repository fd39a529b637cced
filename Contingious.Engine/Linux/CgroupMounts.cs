namespace Contingious.Engine.Linux;

/// <summary>One mounted cgroup hierarchy. <paramref name="Controllers"/> are those of v1; a v2 hierarchy lists its own in cgroup.controllers.</summary>
public sealed record CgroupMount(string Path, bool Unified, IReadOnlyList<string> Controllers);

/// <summary>The cgroup hierarchies of the host, as proc_pid_mountinfo(5) lists them.</summary>
public sealed record CgroupMounts(IReadOnlyList<CgroupMount> All)
{
    private static readonly HashSet<string> NotControllers =
        ["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "nofavordynmods", "nsdelegate", "release_agent"];

    public CgroupMount? Unified => All.FirstOrDefault(mount => mount.Unified);

    public IEnumerable<CgroupMount> Legacy => All.Where(mount => !mount.Unified);

    /// <summary>Whether resources are limited through v1: alone, or with a v2 tree beside it (hybrid).</summary>
    public bool IsLegacy => HierarchyOf("memory") is not null;

    public CgroupMount? HierarchyOf(string controller) => Legacy.FirstOrDefault(mount => mount.Controllers.Contains(controller));

    /// <summary>Whether every v1 controller that a sandbox needs has a hierarchy.</summary>
    public bool HasV1 => CgroupV1.Controllers.All(controller => HierarchyOf(controller) is not null);

    /// <summary>For each v1 controller, the mount point of its hierarchy.</summary>
    public IReadOnlyDictionary<string, string> V1
    {
        get
        {
            var hierarchies = new Dictionary<string, string>();
            foreach (var mount in All)
            {
                foreach (var controller in mount.Controllers) hierarchies.TryAdd(controller, mount.Path);
            }

            return hierarchies;
        }
    }

    /// <summary>The hierarchies that this process sees.</summary>
    public static CgroupMounts Read() => Parse(File.ReadLines("/proc/self/mountinfo"));

    public static CgroupMounts Parse(IEnumerable<string> lines)
    {
        var mounts = new List<CgroupMount>();
        var seen = new HashSet<string>();
        foreach (var line in lines)
        {
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-");
            if (separator < 6 || fields.Length < separator + 4) continue;
            var unified = fields[separator + 1] == "cgroup2";
            if (!unified && fields[separator + 1] != "cgroup") continue;
            if (fields[5].Split(',').Contains("ro")) continue;

            // The same hierarchy can be mounted again elsewhere, as for a container: the first mount is the host's.
            if (!seen.Add(fields[2])) continue;
            mounts.Add(new CgroupMount(Unescape(fields[4]), unified, unified ? [] : Controllers(fields[separator + 3])));
        }

        return new CgroupMounts(mounts);
    }

    private static IReadOnlyList<string> Controllers(string options) =>
        [.. options.Split(',').Where(option => !NotControllers.Contains(option.Split('=')[0]))];

    /// <summary>Blanks and backslashes of a path are written in octal.</summary>
    private static string Unescape(string path) => path.Replace(@"\040", " ").Replace(@"\011", "\t").Replace(@"\012", "\n").Replace(@"\134", "\\");
}
