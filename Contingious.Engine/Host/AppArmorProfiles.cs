using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// AppArmor's restriction on unprivileged user namespaces, which Ubuntu 24.04 and later turn on: a program that no profile names gets none, or one without
/// capabilities. rootlesskit makes the keeper's and the runtime a container's, so both need a profile with the rule <c>userns</c>. Ubuntu has such profiles for
/// those that its own packages install, and for no other path. newuidmap makes none, and is set-uid root.
/// </summary>
internal static class AppArmorProfiles
{
    public const string Switch = "kernel.apparmor_restrict_unprivileged_userns";

    /// <summary>The file that setup writes for programs that nobody else's names.</summary>
    public const string PathOfOurs = $"{Directory}/{HostLayout.ServiceAccount}";

    private const string Directory = "/etc/apparmor.d";
    private const string SwitchFile = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    private const string Loaded = "/sys/kernel/security/apparmor/profiles";
    private const int MostBytes = 64 << 10;

    private static readonly string[] makers = ["rootlesskit", "crun", "runc"];

    /// <summary>Whether a program makes user namespaces by the leave of a profile for its path alone.</summary>
    public static bool IsRestricting => File.Exists(SwitchFile) && File.ReadAllText(SwitchFile).Trim() == "1";

    /// <summary>Which programs may make no user namespace here; nothing where all of them may.</summary>
    /// <exception cref="UnauthorizedAccessException">This process may not look at the profiles.</exception>
    public static AppArmorLack? Lack(HostRoot root)
    {
        if (root.TryRead(SwitchFile)?.Trim() is not "1") return null;
        var files = Files(root);
        var programs = makers.Select(root.FindProgram).OfType<string>().Select(found => root.IsReal ? found : found[root.Prefix.TrimEnd('/').Length..]).ToList();
        var others = programs.ToDictionary(program => program, program => files.FirstOrDefault(file => file.Path != PathOfOurs && Allows(file.Text, program)).Path);
        List<string> ours = [.. programs.Where(program => others[program] is null)];
        if (ours.Count > 0 && root.TryRead(PathOfOurs) != Text(ours)) return new AppArmorLack(ours, Loads: null);

        var loaded = LoadedNames(root);
        if (loaded is null) return null;
        if (ours.Exists(program => !loaded.Contains(NameFor(program)))) return new AppArmorLack(ours, PathOfOurs);
        foreach (var (program, file) in others)
        {
            if (file is not null && !loaded.Overlaps([Path.GetFileName(file), program, Path.GetFileName(program)])) return new AppArmorLack([program], file);
        }

        return null;
    }

    /// <summary>What the file of ours holds (apparmor.d(5)): as if there were no profile, but for the one rule.</summary>
    public static string Text(IEnumerable<string> programs) =>
        $"""
        # Written by contingious setup. {Switch} keeps other programs
        # from making user namespaces; these make those that sandboxes run in.
        abi <abi/4.0>,
        include <tunables/global>

        {string.Join('\n', programs.Select(Rule))}

        """;

    /// <summary>A profile, on one line.</summary>
    public static string Rule(string program) => $"profile {NameFor(program)} {program} flags=(unconfined) {{ userns, }}";

    private static string NameFor(string program) => $"{HostLayout.ServiceAccount}-{Path.GetFileName(program)}";

    private static List<(string Path, string Text)> Files(HostRoot root)
    {
        var files = new List<(string Path, string Text)>();
        if (!System.IO.Directory.Exists(root.At(Directory))) return files;
        foreach (var name in System.IO.Directory.EnumerateFiles(root.At(Directory)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal))
        {
            var path = $"{Directory}/{name}";
            if (root.TryStatus(path) is { Kind: FileKind.Regular, Size: > 0 and <= MostBytes } && root.TryRead(path) is { } text) files.Add((path, text));
        }

        return files;
    }

    /// <summary>Whether a file has a profile that is attached to the program, and the rule.</summary>
    private static bool Allows(string text, string program)
    {
        var lines = text.Split('\n').Select(line => line.Split('#')[0]).ToList();
        return lines.Exists(line => line.Split([' ', '\t', '"'], StringSplitOptions.RemoveEmptyEntries).Contains(program)) && lines.Exists(line => line.Contains("userns", StringComparison.Ordinal));
    }

    // Only root may read the list; for others a file is taken to be loaded, as it is when the host boots.
    private static HashSet<string>? LoadedNames(HostRoot root)
    {
        try
        {
            return root.TryRead(Loaded)?.Split('\n').Select(line => line[..Math.Max(0, line.LastIndexOf(" (", StringComparison.Ordinal))]).ToHashSet(StringComparer.Ordinal);
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>What keeps programs from making a user namespace.</summary>
/// <param name="Programs">Their paths on the host.</param>
/// <param name="Loads">The file of profiles that only have to be loaded; nothing where there are none.</param>
internal sealed record AppArmorLack(IReadOnlyList<string> Programs, string? Loads);
