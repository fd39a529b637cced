using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Makes every place that something is mounted on, and the working directory, a real directory. crun follows a symlink at a mount's
/// destination out of the rootfs (CVE-2026-47766), so none may be left there.
/// </summary>
internal static class MountTargets
{
    private const uint Plain = 0x1ED; // 0755
    private const uint Shared = 0x3FF; // 1777
    private const uint DefaultId = 1000;

    /// <summary>Replaces what is at a mount target and is not a directory; makes what is missing.</summary>
    public static void Prepare(DirectoryHandle root, ImageConfig config, bool keepOwners, ICollection<string> warnings)
    {
        foreach (var target in RootfsSplit.MountTargets) PrepareTarget(root, target, keepOwners, warnings);
        PrepareWorkingDirectory(root, config, keepOwners);
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
        var components = config.WorkingDir.Split('/', StringSplitOptions.RemoveEmptyEntries);
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
                        if (keepOwners)
                        {
                            var (uid, gid) = isLast ? Owner(config) : (0u, 0u);
                            directory.SetOwner(component, uid, gid);
                        }

                        break;
                    case var kind:
                        throw new InvalidImageException(
                            $"The working directory {config.WorkingDir} goes through '{NativePath.Display(component)}', which is a {kind} in the image. Name the real directory as workingDir in the recipe.");
                }

                var next = directory.OpenDirectory(component);
                if (directory != root) directory.Dispose();
                directory = next;
            }
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
