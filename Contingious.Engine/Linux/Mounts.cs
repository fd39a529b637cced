using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>Mounts in this process's own mount namespace (mount(2)).</summary>
public static unsafe class Mounts
{
    private const ulong ReadOnly = 1;
    private const ulong NoSuid = 2;
    private const ulong NoDev = 4;
    private const ulong Remount = 32;
    private const ulong BindFlag = 4096;
    private const int Detach = 2;

    /// <summary>Mounts a tmpfs that holds at most so many bytes and files: a strict quota.</summary>
    public static void Tmpfs(string target, long bytes, long inodes, string mode) =>
        Mount("tmpfs", target, "tmpfs", NoSuid | NoDev, $"{TmpfsSize(bytes, inodes)},mode={mode}");

    /// <summary>Gives a mounted tmpfs another size.</summary>
    /// <exception cref="LinuxException">EINVAL: it holds more than that already.</exception>
    public static void ResizeTmpfs(string target, long bytes, long inodes) =>
        Mount("tmpfs", target, "tmpfs", NoSuid | NoDev | Remount, TmpfsSize(bytes, inodes));

    /// <summary>Shows a directory at another place too, without what is mounted below it.</summary>
    public static void Bind(string source, string target)
    {
        Mount(source, target, null, BindFlag, null);

        // A bind takes the source's flags over, and those that were locked when the namespace was made cannot be taken away (mount_namespaces(7)).
        Mount(source, target, null, BindFlag | Remount | NoSuid | NoDev | FlagsOf(target), null);
    }

    /// <summary>As <see cref="Bind"/>, and nothing can be written there.</summary>
    public static void BindReadOnly(string source, string target)
    {
        Mount(source, target, null, BindFlag, null);
        Mount(source, target, null, BindFlag | Remount | ReadOnly | NoSuid | NoDev | FlagsOf(target), null);
    }

    /// <summary>A lower directory as the options of an overlayfs take it: a colon would begin the next one, a comma the next option.</summary>
    public static string EscapeLower(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);

    /// <summary>
    /// Mounts an overlayfs of a user namespace's own: <c>userxattr</c>, because the trusted ones are the host's root's
    /// (Documentation/filesystems/overlayfs.rst). Nothing is flushed to disk when a program asks for it: what it writes does not outlive the sandbox.
    /// </summary>
    /// <param name="target">Where the whole is seen.</param>
    /// <param name="lower">What is never changed.</param>
    /// <param name="upper">Where everything written goes.</param>
    /// <param name="work">An empty directory on the same file system as <paramref name="upper"/>.</param>
    public static void Overlay(string target, string lower, string upper, string work) =>
        Mount("overlay", target, "overlay", NoSuid | NoDev, $"lowerdir={lower},upperdir={upper},workdir={work},userxattr,volatile");

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
        var raw = Read(path);
        var unit = (long)raw.FragmentSize;
        return new FileSystemUse((long)(raw.Blocks - raw.BlocksFree) * unit, (long)raw.BlocksAvailable * unit, (long)(raw.Files - raw.FilesFree), (long)raw.FilesFree);
    }

    // A size of 0 means no limit to tmpfs (tmpfs(5)), the opposite of what is asked.
    private static string TmpfsSize(long bytes, long inodes) =>
        string.Create(CultureInfo.InvariantCulture, $"size={Math.Max(bytes, 4096)},nr_inodes={Math.Max(inodes, 2)}");

    private static void Mount(string source, string target, string? type, ulong flags, string? options)
    {
        fixed (byte* from = NativePath.Terminated(source))
        fixed (byte* kind = type is null ? null : NativePath.Terminated(type))
        fixed (byte* where = NativePath.Terminated(target))
        fixed (byte* with = options is null ? null : NativePath.Terminated(options))
        {
            if (Libc.Mount(from, where, kind, flags, with) != 0) throw LinuxException.Last($"mount {type ?? source} on", target);
        }
    }

    // ST_RDONLY, ST_NOSUID, ST_NODEV and ST_NOEXEC are numbered as mount(2) numbers its flags (statvfs(3)).
    private static ulong FlagsOf(string path) => Read(path).Flags & 0xF;

    private static Libc.StatVfs Read(string path)
    {
        Libc.StatVfs raw;
        fixed (byte* where = NativePath.Terminated(path))
        {
            if (Libc.StatVfsAt(where, &raw) != 0) throw LinuxException.Last("statvfs", path);
        }

        return raw;
    }
}

/// <summary>Bytes and inodes of a file system (statvfs(3)).</summary>
public readonly record struct FileSystemUse(long UsedBytes, long FreeBytes, long UsedInodes, long FreeInodes);
