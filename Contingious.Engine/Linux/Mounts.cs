using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>Mounts in this process's own mount namespace (mount(2)).</summary>
public static unsafe class Mounts
{
    private const ulong NoSuid = 2;
    private const ulong NoDev = 4;
    private const int Detach = 2;

    /// <summary>Mounts a tmpfs that holds at most so many bytes and files: a strict quota.</summary>
    public static void Tmpfs(string target, long bytes, long inodes, string mode)
    {
        // A size of 0 means no limit to tmpfs (tmpfs(5)), the opposite of what is asked.
        var options = string.Create(CultureInfo.InvariantCulture, $"size={Math.Max(bytes, 4096)},nr_inodes={Math.Max(inodes, 2)},mode={mode}");
        fixed (byte* type = NativePath.Terminated("tmpfs"))
        fixed (byte* where = NativePath.Terminated(target))
        fixed (byte* with = NativePath.Terminated(options))
        {
            if (Libc.Mount(type, where, type, NoSuid | NoDev, with) != 0) throw LinuxException.Last("mount tmpfs on", target);
        }
    }

    /// <summary>Unmounts, also where something still uses it: it is gone from the tree at once and freed with its last user.</summary>
    /// <returns>Whether anything was mounted there.</returns>
    public static bool TryUnmount(string target)
    {
        fixed (byte* where = NativePath.Terminated(target))
        {
            if (Libc.Umount2(where, Detach) == 0) return true;
        }

        var error = LinuxException.Last("umount", target);
        return error.Errno is Errno.EINVAL or Errno.ENOENT ? false : throw error;
    }

    /// <summary>What the file system at a path has used and has left.</summary>
    public static FileSystemUse UseOf(string path)
    {
        Libc.StatVfs raw;
        fixed (byte* where = NativePath.Terminated(path))
        {
            if (Libc.StatVfsAt(where, &raw) != 0) throw LinuxException.Last("statvfs", path);
        }

        var unit = (long)raw.FragmentSize;
        return new FileSystemUse((long)(raw.Blocks - raw.BlocksFree) * unit, (long)raw.BlocksAvailable * unit, (long)(raw.Files - raw.FilesFree), (long)raw.FilesFree);
    }
}

/// <summary>Bytes and inodes of a file system (statvfs(3)).</summary>
public readonly record struct FileSystemUse(long UsedBytes, long FreeBytes, long UsedInodes, long FreeInodes);
