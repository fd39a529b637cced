using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>
/// Counts what lies in a directory while others are writing to it: each file once however many names it has, allocated
/// bytes and not lengths. One directory is open at a time, whatever the depth; nothing is followed, nothing on another
/// mount is counted, and it ends after so many files.
/// </summary>
internal sealed class TreeCount(long most)
{
    private readonly HashSet<ulong> seen = [];
    private long bytes;
    private long inodes;

    /// <summary>The bytes and files below a directory; the directory itself is not counted.</summary>
    public (long Bytes, long Inodes) Of(DirectoryHandle root)
    {
        var levels = new Stack<Level>();
        var current = root.OpenDirectory(".");
        try
        {
            levels.Push(Look(current));
            while (inodes < most)
            {
                if (levels.Peek().Pending.TryPop(out var name))
                {
                    if (TryEnter(current, name) is not { } child) continue;
                    current.Dispose();
                    current = child;
                    levels.Push(Look(current));
                    continue;
                }

                _ = levels.Pop();
                if (levels.Count == 0) break;
                var parent = current.OpenParent();
                current.Dispose();
                current = parent;

                // Moved elsewhere meanwhile: what is left is for the next count.
                if (current.Status() is var here && (here.Inode, here.Device) != (levels.Peek().Inode, levels.Peek().Device)) break;
            }
        }
        finally
        {
            current.Dispose();
        }

        return (bytes, inodes);
    }

    private Level Look(DirectoryHandle directory)
    {
        var own = directory.Status();
        var level = new Level(own.Inode, own.Device, []);
        foreach (var name in directory.Entries())
        {
            if (inodes >= most) break;
            if (directory.TryStatus(name) is not { } status || status.Device != own.Device) continue;

            // Another name of it, or what was moved to here since it was counted.
            if (!seen.Add(status.Inode)) continue;
            if (status.Kind == FileKind.Directory) level.Pending.Push(name);
            bytes += status.AllocatedBytes;
            inodes++;
        }

        return level;
    }

    private static DirectoryHandle? TryEnter(DirectoryHandle directory, byte[] name)
    {
        try
        {
            return directory.OpenDirectory(name, Resolve.Beneath | Resolve.NoSymlinks | Resolve.NoCrossDevice);
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV)
        {
            // Replaced or removed since it was listed.
            return null;
        }
    }

    private sealed record Level(ulong Inode, ulong Device, Stack<byte[]> Pending);
}
