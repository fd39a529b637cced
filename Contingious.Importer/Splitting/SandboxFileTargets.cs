using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Makes each of <see cref="RootfsSplit.SandboxFiles"/> a regular file, reached through real directories: where
/// <c>/etc</c> is read-only a sandbox's own is bound over it, and crun neither makes a file below a read-only mount nor may
/// it follow a link to one.
/// </summary>
internal static class SandboxFileTargets
{
    private const uint DirectoryMode = 0x1ED; // 0755
    private const uint FileMode = 0x1A4;      // 0644
    private const int MaxCopied = 1 << 20;

    public static void Prepare(DirectoryHandle root, bool keepOwners, ICollection<string> warnings)
    {
        foreach (var path in RootfsSplit.SandboxFiles)
        {
            var slash = path.LastIndexOf('/');
            PrepareDirectory(root, path[..slash], keepOwners, warnings);
            using var directory = root.OpenDirectory(path[1..slash]);
            PrepareFile(root, directory, path, Encoding.UTF8.GetBytes(path[(slash + 1)..]), keepOwners, warnings);
        }
    }

    private static void PrepareDirectory(DirectoryHandle root, string path, bool keepOwners, ICollection<string> warnings)
    {
        var name = Encoding.UTF8.GetBytes(path[1..]);
        if (root.TryStatus(name) is { } status)
        {
            if (status.Kind == FileKind.Directory) return;
            warnings.Add($"{path} of the image is a {status.Kind}; it is replaced by an empty directory");
            root.RemoveTree(name);
        }

        root.CreateDirectory(name, DirectoryMode);
        if (keepOwners) root.SetOwner(name, 0, 0);
    }

    private static void PrepareFile(DirectoryHandle root, DirectoryHandle directory, string path, byte[] name, bool keepOwners, ICollection<string> warnings)
    {
        byte[] content = [];
        if (directory.TryStatus(name) is { } status)
        {
            if (status.Kind == FileKind.Regular) return;
            content = status.Kind == FileKind.Symlink ? ReadTarget(root, path) : [];
            warnings.Add($"{path} of the image is a {status.Kind}; it is replaced by {(content.Length > 0 ? "a copy of what it points to" : "an empty file")}");
            directory.RemoveTree(name);
        }

        using var file = directory.CreateFile(name, FileMode);
        RandomAccess.Write(file, content, 0);
        if (keepOwners) DirectoryHandle.SetOwner(file, 0, 0);
        DirectoryHandle.SetMode(file, FileMode);
    }

    /// <summary>What a link of the image points to within the image; nothing where that is no regular file, or a large one.</summary>
    private static byte[] ReadTarget(DirectoryHandle root, string path)
    {
        try
        {
            using var file = root.OpenRead(Encoding.UTF8.GetBytes(path[1..]), Resolve.InRoot);
            var status = DirectoryHandle.StatusOf(file);
            if (status.Kind != FileKind.Regular || status.Size > MaxCopied) return [];
            using var stream = new FileStream(file, FileAccess.Read);
            var content = new byte[status.Size];
            stream.ReadExactly(content);
            return content;
        }
        catch (LinuxException)
        {
            return [];
        }
    }
}
