using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Cuts a rootfs by the rules of a <see cref="RootfsSplit"/>. The rootfs itself becomes the editable tree; each largest subtree that is read-only
/// moves to the read-only tree at the same path, and an empty directory of the same owner and mode stays as its mount point.
/// </summary>
/// <remarks>A mixed directory's own files and symlinks stay in the editable tree: only a directory can be bound without making a mount for each file.</remarks>
internal sealed class RootfsCutter(RootfsSplit split, DirectoryHandle editable, DirectoryHandle readOnly, ICollection<string> warnings)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly RootfsSplit rules = Present(split, editable, warnings);
    private readonly List<string> mounts = [];

    /// <summary>Cuts, and returns the paths of the read-only subtrees, sorted.</summary>
    public IReadOnlyList<string> Cut()
    {
        if (rules.Decide("/") != SplitDecision.Editable) CutMixed(editable, "/", []);
        return [.. mounts.Order(StringComparer.Ordinal)];
    }

    /// <summary>The rules whose editable paths the image has: a path that is not there must not break up the directory above it.</summary>
    private static RootfsSplit Present(RootfsSplit split, DirectoryHandle rootfs, ICollection<string> warnings)
    {
        var present = split.Editable.Where(path => Exists(rootfs, path)).ToList();
        foreach (var path in split.Editable.Except(present).Except(RootfsSplit.DefaultEditable))
        {
            warnings.Add($"the editable path {path} is not in the image, or is there only through a symlink");
        }

        return new RootfsSplit(present, split.ReadOnly);
    }

    private void CutMixed(DirectoryHandle directory, string path, IReadOnlyList<byte[]> components)
    {
        var before = directory.Status();
        foreach (var name in directory.Entries())
        {
            if (directory.TryStatus(name) is not { Kind: FileKind.Directory } status || PathOf(path, name) is not { } child) continue;
            IReadOnlyList<byte[]> below = [.. components, name];
            switch (rules.Decide(child))
            {
                case SplitDecision.Editable:
                    break;
                case SplitDecision.ReadOnly:
                    Move(directory, name, status, below);
                    mounts.Add(child);
                    break;
                case SplitDecision.Mixed:
                    using (var mixed = directory.OpenDirectory(name)) CutMixed(mixed, child, below);
                    break;
                default:
                    throw new InvalidOperationException($"No such decision for {child}.");
            }
        }

        directory.SetTimes(before.ModifySeconds, before.ModifyNanoseconds);
    }

    private void Move(DirectoryHandle from, byte[] name, FileStatus status, IReadOnlyList<byte[]> path)
    {
        using (var to = OpenOrMakeReadOnly(path.Take(path.Count - 1))) from.Rename(name, to, name);
        from.CreateDirectory(name, status.Permissions);
        from.SetOwner(name, status.Uid, status.Gid);
        // chown(2) clears the set-id bits; none are left in a rootfs, but the sticky bit is.
        using var mountPoint = from.OpenDirectory(name);
        mountPoint.SetMode(status.Permissions);
        mountPoint.SetTimes(status.ModifySeconds, status.ModifyNanoseconds);
    }

    private DirectoryHandle OpenOrMakeReadOnly(IEnumerable<byte[]> path)
    {
        var directory = readOnly.OpenDirectory("."u8);
        foreach (var name in path)
        {
            if (directory.TryStatus(name) is null) directory.CreateDirectory(name, 0x1ED /* 0755 */);
            var next = directory.OpenDirectory(name);
            directory.Dispose();
            directory = next;
        }

        return directory;
    }

    /// <summary>A mount's path is text (the runtime-spec is JSON): a directory whose name is not UTF-8 stays editable.</summary>
    private string? PathOf(string parent, byte[] name)
    {
        try
        {
            return (parent == "/" ? "/" : parent + "/") + Strict.GetString(name);
        }
        catch (DecoderFallbackException)
        {
            warnings.Add($"{parent}/{NativePath.Display(name)} stays editable: its name is not UTF-8");
            return null;
        }
    }

    private static bool Exists(DirectoryHandle root, string path)
    {
        if (path == "/") return true;
        var slash = path.LastIndexOf('/');
        try
        {
            using var parent = root.OpenDirectory(slash == 0 ? "." : path[1..slash]);
            return parent.TryStatus(Encoding.UTF8.GetBytes(path[(slash + 1)..])) is { Kind: not FileKind.Symlink };
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return false;
        }
    }
}
