using System.Text;

namespace Contingious.Engine.Images;

/// <summary>
/// The rules that cut a rootfs, in order: the last one whose pattern matches a path or a directory above it decides; where
/// none does, the path is read-only. What a sandbox cannot do without is editable whatever the rules say of it or of what is above it.
/// </summary>
public sealed class RootfsSplit
{
    private const int MaxRules = 1024;

    private readonly IReadOnlyList<SplitPattern> required;

    /// <param name="rules">In order.</param>
    /// <exception cref="RejectedRequestException">There are too many.</exception>
    public RootfsSplit(IEnumerable<SplitRule> rules)
        : this([.. rules], [])
    {
    }

    private RootfsSplit(IReadOnlyList<SplitRule> rules, IReadOnlyList<string> required)
    {
        if (rules.Count > MaxRules) throw new RejectedRequestException("split", $"There are {rules.Count} rules; {MaxRules} are allowed. A pattern such as /home/**/.cache stands for many paths.");
        Rules = rules;
        Required = required;
        this.required = [.. required.Select(path => SplitPattern.Parse("split", SplitPattern.Escape(path)))];
        Root = SplitCursor.AtRoot(this);
    }

    /// <summary>What submissions usually write, for images that say nothing themselves.</summary>
    public static IReadOnlyList<string> DefaultEditable { get; } =
        ["/home", "/root", "/srv", "/tmp", "/var/tmp", "/var/log", "/var/spool", "/run", "/mnt", "/media", "/task", "/work", "/dev", "/proc", "/sys"];

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

    /// <summary>The rules as they were given, in order.</summary>
    public IReadOnlyList<SplitRule> Rules { get; }

    /// <summary>What is editable whatever the rules say.</summary>
    public IReadOnlyList<string> Required { get; }

    /// <summary>Where a walk through the rootfs begins.</summary>
    public SplitCursor Root { get; }

    internal int PatternCount => Rules.Count + required.Count;

    /// <summary>
    /// The rules of two unordered lists: shallower ones first, and of the same depth the editable ones, so that of plain paths
    /// the longest decides.
    /// </summary>
    /// <exception cref="RejectedRequestException">A path is not one, or is in both lists.</exception>
    public static RootfsSplit Of(IEnumerable<string> editable, IEnumerable<string> readOnly)
    {
        var opened = editable.Select(path => new SplitRule(isEditable: true, path)).ToList();
        var closed = readOnly.Select(path => new SplitRule(isEditable: false, path)).ToList();
        if (closed.FirstOrDefault(rule => opened.Any(other => other.Pattern.TrimEnd('/') == rule.Pattern.TrimEnd('/'))) is { } both)
        {
            throw new RejectedRequestException("readonly", $"The path {both.Pattern} is both editable and read-only.");
        }

        return new RootfsSplit(opened.Concat(closed).OrderBy(rule => rule.Depth).ThenBy(rule => !rule.IsEditable));
    }

    /// <summary>The same rules, and further ones behind them.</summary>
    public RootfsSplit Then(IEnumerable<SplitRule> further) => new([.. Rules, .. further], Required);

    /// <summary>The same rules with more paths that must be editable whatever the rules say.</summary>
    /// <exception cref="RejectedRequestException">A rule says expressly that one of them is read-only.</exception>
    public RootfsSplit WithRequired(params IEnumerable<string> paths)
    {
        var all = paths.ToList();
        if (all.FirstOrDefault(path => LastNaming(path) is { IsEditable: false }) is { } refused)
        {
            throw new RejectedRequestException("readonly", $"The path {refused} cannot be read-only: every sandbox needs it writable. Leave the rule '{LastNaming(refused)}' out.");
        }

        return new RootfsSplit(Rules, [.. Required.Union(all, StringComparer.Ordinal)]);
    }

    /// <summary>The last rule that names just this path and nothing else.</summary>
    public SplitRule? LastNaming(string path) => Rules.LastOrDefault(rule => rule.Path == path);

    /// <summary>What the rules say of a path (absolute, plain), as a directory.</summary>
    public bool IsEditable(string path)
    {
        var at = Root;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries)) at = at.Enter(Encoding.UTF8.GetBytes(name), isDirectory: true);
        return at.IsEditable;
    }

    /// <summary>An absolute path in its plain form; nothing where it is relative or walks through <c>..</c>.</summary>
    public static string? Normalize(string path)
    {
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal) || path.Length > 4095) return null;
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").ToList();
        return parts.Contains("..") ? null : "/" + string.Join('/', parts);
    }

    /// <summary>The rules' patterns, and behind them those of what is required.</summary>
    internal SplitPattern PatternAt(int index) => index < Rules.Count ? Rules[index].Compiled : required[index - Rules.Count];
}
