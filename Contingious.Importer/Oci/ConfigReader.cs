using System.Text;
using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Importer.Oci;

/// <summary>Turns the image's config and what the recipe puts over it into the one that runs.</summary>
internal static class ConfigReader
{
    /// <exception cref="InvalidImageException">Something is too long or cannot be passed to execve(2).</exception>
    public static ImageConfig Read(ConfigSection? section, ConfigOverrides overrides, ImportLimits limits)
    {
        var env = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in section?.Env ?? [])
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new InvalidImageException($"The environment of the image has '{Shorten(line)}', which is not NAME=VALUE.");
            env[line[..equals]] = line[(equals + 1)..];
        }

        foreach (var (name, value) in overrides.Env ?? new Dictionary<string, string>()) env[name] = value;

        // As with docker run --entrypoint: another entrypoint makes the image's command meaningless.
        var entrypoint = overrides.Entrypoint ?? section?.Entrypoint ?? [];
        var cmd = overrides.Cmd ?? (overrides.Entrypoint is null ? section?.Cmd ?? [] : []);
        Check([.. entrypoint, .. cmd], "entrypoint and command", limits);
        Check([.. env.Select(pair => $"{pair.Key}={pair.Value}")], "environment", limits);
        var labels = section?.Labels ?? new Dictionary<string, string>();
        Check([.. labels.Select(pair => $"{pair.Key}={pair.Value}")], "labels", limits);
        var user = overrides.User ?? section?.User;
        if (user is { Length: > 256 } || user?.Any(char.IsControl) == true) throw new InvalidImageException("The user of the image is not one.");
        return new ImageConfig
        {
            Entrypoint = entrypoint,
            Cmd = cmd,
            Env = env,
            User = string.IsNullOrEmpty(user) ? null : user,
            WorkingDir = WorkingDir(overrides.WorkingDir ?? section?.WorkingDir),
            Volumes = Volumes(section?.Volumes?.Keys ?? []),
            Labels = labels,
        };
    }

    /// <summary>The root itself cannot be a submission's directory, so it counts as none.</summary>
    private static string WorkingDir(string? path)
    {
        if (string.IsNullOrEmpty(path)) return DefaultWorkingDir;
        var plain = RootfsSplit.Normalize(path);
        if (plain == "/") return DefaultWorkingDir;
        var refused = plain is null || IsOwnMount(plain);
        return refused ? throw new InvalidImageException($"The working directory '{Shorten(path)}' is not an absolute path of the rootfs, or is below /proc, /dev or /sys.") : plain ?? "";
    }

    private const int MaxVolumes = 64;

    private static List<string> Volumes(IEnumerable<string> paths)
    {
        var volumes = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var plain = RootfsSplit.Normalize(path);
            if (plain is null or "/" || IsOwnMount(plain) || RootfsSplit.SandboxFiles.Any(file => IsBelow(plain, file) || IsBelow(file, plain)))
            {
                throw new InvalidImageException($"The volume '{Shorten(path)}' of the image is not an absolute path of the rootfs, or is one that every sandbox has its own of: /, /etc, /proc, /dev or /sys.");
            }

            volumes.Add(plain);
        }

        if (volumes.Count > MaxVolumes) throw new InvalidImageException($"The image has {volumes.Count} volumes; {MaxVolumes} are allowed.");
        return [.. volumes];
    }

    private static bool IsOwnMount(string path) => RootfsSplit.MountTargets.Any(target => target != "/tmp" && IsBelow(path, target));

    private static bool IsBelow(string path, string directory) => path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    /// <summary>The working directory of an image that names none.</summary>
    public const string DefaultWorkingDir = "/work";

    private static void Check(IReadOnlyList<string> items, string what, ImportLimits limits)
    {
        if (items.Any(item => item is null || item.Contains('\0', StringComparison.Ordinal))) throw new InvalidImageException($"The {what} of the image have a null or a NUL byte.");
        var bytes = items.Sum(item => (long)Encoding.UTF8.GetByteCount(item));
        if (items.Count > limits.ConfigItems || bytes > limits.ConfigText.Bytes)
        {
            throw new InvalidImageException($"The {what} of the image have {items.Count} items and {bytes} bytes; {limits.ConfigItems} items and {limits.ConfigText} are allowed.");
        }
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
