using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Makes every place that something is mounted on, and the working directory, a real directory, and every file that
/// something is bound over a regular one. crun follows a symlink at a mount's
/// destination out of the rootfs (CVE-2026-47766), so none may be left there.
/// </summary>
internal static class MountTargets
{
    private const uint Plain = 0x1ED; // 0755
    private const uint Shared = 0x3FF; // 1777
    private const uint DefaultId = 1000;

    /// <summary>Replaces what is at a mount target and is not what it has to be; makes what is missing.</summary>
    /// <returns>The config with those volumes that can be mounted.</returns>
    public static ImageConfig Prepare(DirectoryHandle root, ImageConfig config, bool keepOwners, ICollection<string> warnings)
    {
        foreach (var target in RootfsSplit.MountTargets) PrepareTarget(root, target, keepOwners, warnings);
        SandboxFileTargets.Prepare(root, keepOwners, warnings);
        PrepareWorkingDirectory(root, config, keepOwners);
        return config with { Volumes = [.. config.Volumes.Where(volume => PrepareVolume(root, volume, keepOwners, warnings))] };
    }

    private static void PrepareTarget(DirectoryHandle root, string target, bool keepOwners, ICollection<string> warnings)
    {
        var name = Encoding.UTF8.GetBytes(target[1..]);
        var isOurs = target == RootfsSplit.ToolsMount;
        if (root.TryStatus(name) is { } status)
        {
            if (status.Kind == FileKind.Directory && !isOurs) return;
            if (!isOurs) warnings.Add($"{target} of the image is a {status.Kind}; it is replaced by an empty directory");
            root.RemoveTree(name);
        }

        root.CreateDirectory(name, target == "/tmp" ? Shared : Plain);
        if (keepOwners) root.SetOwner(name, 0, 0);
    }

    private static void PrepareWorkingDirectory(DirectoryHandle root, ImageConfig config, bool keepOwners)
    {
        if (TryMake(root, config.WorkingDir, keepOwners ? Owner(config) : null) is not { } obstacle) return;
        throw new InvalidImageException($"The working directory {config.WorkingDir} goes through {obstacle} in the image. Name the real directory as workingDir in the recipe.");
    }

    private static bool PrepareVolume(DirectoryHandle root, string volume, bool keepOwners, ICollection<string> warnings)
    {
        if (TryMake(root, volume, keepOwners ? (0, 0) : null) is not { } obstacle)
        {
            // Whoever a step runs as.
            using var made = root.OpenDirectory(volume.TrimStart('/'));
            made.SetMode(Shared);
            return true;
        }

        warnings.Add($"the volume {volume} is left out: it goes through {obstacle}");
        return false;
    }

    /// <summary>Makes a path real directories: those on the way root's, the last one <paramref name="owner"/>'s.</summary>
    /// <returns>What is in the way; nothing where the directory is there now.</returns>
    private static string? TryMake(DirectoryHandle root, string path, (uint Uid, uint Gid)? owner)
    {
        var components = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var directory = root;
        try
        {
            foreach (var (component, isLast) in components.Select((component, i) => (Encoding.UTF8.GetBytes(component), i == components.Length - 1)))
            {
                switch (directory.TryStatus(component)?.Kind)
                {
                    case FileKind.Directory:
                        break;
                    case null:
                        directory.CreateDirectory(component, Plain);
                        if (owner is { } given) directory.SetOwner(component, isLast ? given.Uid : 0, isLast ? given.Gid : 0);
                        break;
                    case var kind:
                        return $"'{NativePath.Display(component)}', which is a {kind}";
                }

                var next = directory.OpenDirectory(component);
                if (directory != root) directory.Dispose();
                directory = next;
            }

            return null;
        }
        finally
        {
            if (directory != root) directory.Dispose();
        }
    }

    /// <summary>A working directory that we make belongs to whom the image runs as, where that is a number.</summary>
    private static (uint Uid, uint Gid) Owner(ImageConfig config)
    {
        var parts = (config.User ?? "").Split(':');
        if (!uint.TryParse(parts[0], out var uid) || uid > 65535) return (DefaultId, DefaultId);
        return (uid, parts.Length > 1 && uint.TryParse(parts[1], out var gid) && gid <= 65535 ? gid : uid);
    }
}
