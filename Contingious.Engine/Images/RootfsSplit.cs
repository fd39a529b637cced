namespace Contingious.Engine.Images;

/// <summary>What becomes of a directory when a rootfs is cut.</summary>
public enum SplitDecision
{
    /// <summary>It stays in the editable tree with everything below it.</summary>
    Editable,

    /// <summary>It moves to the read-only tree with everything below it.</summary>
    ReadOnly,

    /// <summary>Some of it is editable and some is not: decide for each entry.</summary>
    Mixed,
}

/// <summary>
/// The rules that cut a rootfs: absolute path prefixes of any depth. The longest prefix of a path decides;
/// where no rule speaks, a directory is read-only.
/// </summary>
public sealed class RootfsSplit
{
    private readonly Dictionary<string, SplitDecision> rules = new(StringComparer.Ordinal);

    /// <exception cref="RejectedRequestException">A path is not one, or is in both lists.</exception>
    public RootfsSplit(IEnumerable<string> editable, IEnumerable<string> readOnly)
    {
        foreach (var path in editable) rules[Checked("editable", path)] = SplitDecision.Editable;
        foreach (var path in readOnly.Select(path => Checked("readonly", path)))
        {
            if (rules.TryGetValue(path, out var other) && other == SplitDecision.Editable) throw new RejectedRequestException("readonly", $"The path {path} is both editable and read-only.");
            rules[path] = SplitDecision.ReadOnly;
        }
    }

    /// <summary>What submissions usually write, for images that say nothing themselves.</summary>
    public static IReadOnlyList<string> DefaultEditable { get; } =
        ["/home", "/root", "/srv", "/tmp", "/var/tmp", "/run", "/mnt", "/media", "/task", "/work", "/dev", "/proc", "/sys"];

    /// <summary>Whatever the rules say, crun mounts something on each of these, so each is a real directory of the editable tree.</summary>
    public static IReadOnlyList<string> MountTargets { get; } = ["/proc", "/dev", "/sys", "/tmp", SharedMount, ToolsMount];

    /// <summary>Where all containers of a job see the directory that they share.</summary>
    public const string SharedMount = "/io";

    /// <summary>
    /// Files that each sandbox has its own of: regular files of every image, reached through real directories, whichever
    /// tree they are in.
    /// </summary>
    public static IReadOnlyList<string> SandboxFiles { get; } = ["/etc/group", "/etc/hostname", "/etc/hosts", "/etc/passwd", "/etc/resolv.conf"];

    /// <summary>Where our own tools are bound in a container.</summary>
    public const string ToolsMount = "/.contingious";

    public IEnumerable<string> Editable => Of(SplitDecision.Editable);

    public IEnumerable<string> ReadOnly => Of(SplitDecision.ReadOnly);

    /// <summary>The same rules with one more editable path, for what must be editable whatever the rules say.</summary>
    /// <exception cref="RejectedRequestException">A rule says expressly that the path is read-only.</exception>
    public RootfsSplit WithEditable(params IEnumerable<string> paths) => new(Editable.Concat(paths), ReadOnly);

    /// <summary>What becomes of the directory <paramref name="path"/> (absolute, no trailing slash; the root is <c>/</c>).</summary>
    public SplitDecision Decide(string path)
    {
        var own = Longest(path);
        var below = path == "/" ? "/" : path + "/";
        return rules.Any(rule => rule.Value != own && rule.Key != path && rule.Key.StartsWith(below, StringComparison.Ordinal))
            ? SplitDecision.Mixed
            : own;
    }

    /// <summary>An absolute path in its plain form; nothing where it is relative or walks through <c>..</c>.</summary>
    public static string? Normalize(string path)
    {
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal) || path.Length > 4095) return null;
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").ToList();
        return parts.Contains("..") ? null : "/" + string.Join('/', parts);
    }

    private static string Checked(string field, string path) =>
        Normalize(path) ?? throw new RejectedRequestException(field, $"'{path}' is not an absolute path without '..'.");

    private SplitDecision Longest(string path)
    {
        for (var prefix = path; ; prefix = prefix.LastIndexOf('/') is var slash and > 0 ? prefix[..slash] : "/")
        {
            if (rules.TryGetValue(prefix, out var decision)) return decision;
            if (prefix == "/") return SplitDecision.ReadOnly;
        }
    }

    private IEnumerable<string> Of(SplitDecision decision) => rules.Where(rule => rule.Value == decision).Select(rule => rule.Key).Order(StringComparer.Ordinal);
}
