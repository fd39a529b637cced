using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>Both trees of an image as one, looked into by path (<see cref="PathKey"/>).</summary>
internal sealed class WholeImage : IDisposable
{
    private readonly DirectoryHandle editable;
    private readonly DirectoryHandle readOnly;
    private readonly HashSet<string> mounts;

    public WholeImage(Image image)
    {
        editable = DirectoryHandle.Open(image.EditableDirectory);
        readOnly = DirectoryHandle.Open(image.ReadOnlyDirectory);
        mounts = [.. image.ReadOnlyMounts.Select(PathKey.Of)];
    }

    /// <summary>Whether the path is a directory or file that is bound read-only.</summary>
    public bool IsMount(string path) => mounts.Contains(path);

    /// <summary>The read-only directory or file that a path is, or is in; nothing where it is writable.</summary>
    public string? MountOf(string path)
    {
        for (var at = path; ; at = PathKey.Parent(at))
        {
            if (mounts.Contains(at)) return at;
            if (at == PathKey.Root) return null;
        }
    }

    /// <summary>What the image has at a path; nothing where it has nothing there.</summary>
    public FileState? TryState(string path)
    {
        if (path == PathKey.Root) return FileState.Of(editable, "."u8.ToArray(), 0);
        using var directory = TryOpen(PathKey.Parent(path), path);
        return directory is null ? null : FileState.Of(directory, PathKey.Bytes(path[(path.LastIndexOf('/') + 1)..]), 0);
    }

    /// <summary>What kind of file the image has at a path.</summary>
    public FileKind? TryKind(string path)
    {
        if (path == PathKey.Root) return FileKind.Directory;
        using var directory = TryOpen(PathKey.Parent(path), path);
        return directory?.TryStatus(PathKey.Bytes(path[(path.LastIndexOf('/') + 1)..]))?.Kind;
    }

    /// <summary>A directory of the image; nothing where there is none.</summary>
    public DirectoryHandle? TryOpen(string path) => TryOpen(path, path);

    public void Dispose()
    {
        editable.Dispose();
        readOnly.Dispose();
    }

    // A mount point's own attributes are the same in both trees.
    private DirectoryHandle? TryOpen(string directory, string path)
    {
        try
        {
            var tree = MountOf(path) is null ? editable : readOnly;
            return tree.OpenDirectory(directory == PathKey.Root ? "."u8 : PathKey.Bytes(directory[1..]));
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return null;
        }
    }
}
