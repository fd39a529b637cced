using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>How openat2(2) walks a path that somebody else may have made.</summary>
[Flags]
public enum Resolve : ulong
{
    /// <summary>No component may be on another mount.</summary>
    NoCrossDevice = 0x01,

    /// <summary>No component may be a magic link of /proc.</summary>
    NoMagicLinks = 0x02,

    /// <summary>No component may be a symlink.</summary>
    NoSymlinks = 0x04,

    /// <summary>Fail where the path would leave the directory.</summary>
    Beneath = 0x08,

    /// <summary>Treat the directory as the root: absolute links and <c>..</c> stay inside.</summary>
    InRoot = 0x10,
}

/// <summary>
/// An open directory and what can be done below it by names that a submission or an image may have made.
/// Every walk goes through openat2(2), so no path is ever followed out of it. Names are bytes.
/// </summary>
public sealed unsafe partial class DirectoryHandle : IDisposable
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const uint StatxBasic = 0x7ff;
    private const int WalkAttempts = 1000;

    // O_DIRECTORY and O_NOFOLLOW differ between architectures (open(2), asm/fcntl.h).
    private static readonly int Directory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    private DirectoryHandle(SafeFileHandle handle, string path)
    {
        Handle = handle;
        Path = path;
    }

    internal SafeFileHandle Handle { get; }

    /// <summary>For messages only.</summary>
    public string Path { get; }

    /// <summary>Opens a directory of our own by its path, with our own authority.</summary>
    /// <exception cref="LinuxException">It cannot be opened.</exception>
    public static DirectoryHandle Open(string path)
    {
        fixed (byte* native = NativePath.Terminated(path))
        {
            var fd = Libc.Open(native, ReadOnly | Directory | CloseOnExec, 0);
            if (fd < 0) throw LinuxException.Last("open", path);
            return new DirectoryHandle(new SafeFileHandle(fd, ownsHandle: true), path);
        }
    }

    /// <summary>Opens a directory below this one.</summary>
    public DirectoryHandle OpenDirectory(ReadOnlySpan<byte> path, Resolve resolve = Resolve.Beneath | Resolve.NoSymlinks) =>
        new(OpenAt(path, ReadOnly | Directory, 0, resolve), Show(path));

    public DirectoryHandle OpenDirectory(string path, Resolve resolve = Resolve.Beneath | Resolve.NoSymlinks) =>
        OpenDirectory(NativeText.Bytes(path), resolve);

    /// <summary>Opens the directory that holds this one, wherever that is: for trees that nobody else is changing.</summary>
    public DirectoryHandle OpenParent() => new(OpenAt(".."u8, ReadOnly | Directory, 0, 0), $"{Path}/..");

    /// <summary>
    /// Opens an existing file for reading. It may turn out to be a FIFO, device or directory (opened without blocking):
    /// look at <see cref="StatusOf(SafeFileHandle)"/> before reading.
    /// </summary>
    public SafeFileHandle OpenRead(ReadOnlySpan<byte> path, Resolve resolve = Resolve.Beneath | Resolve.NoSymlinks) =>
        OpenAt(path, ReadOnly | NonBlocking, 0, resolve);

    /// <summary>Creates a new file for writing; fails with EEXIST where anything has that name.</summary>
    public SafeFileHandle CreateFile(ReadOnlySpan<byte> path, uint mode, Resolve resolve = Resolve.Beneath | Resolve.NoSymlinks)
    {
        const int writeOnlyCreateExclusive = 0x1 | 0x40 | 0x80;
        return OpenAt(path, writeOnlyCreateExclusive | NoFollow, mode, resolve);
    }

    /// <summary>Creates one directory; the mode is set as given, whatever the umask.</summary>
    /// <remarks><paramref name="name"/> is one component: a parent comes first by <see cref="OpenDirectory(ReadOnlySpan{byte}, Resolve)"/>.</remarks>
    public void CreateDirectory(ReadOnlySpan<byte> name, uint mode)
    {
        fixed (byte* native = Component(name))
        {
            if (Libc.MkdirAt(Handle, native, mode) != 0) throw LinuxException.Last("mkdirat", Show(name));
        }

        using var made = OpenAt(name, ReadOnly | Directory, 0, Resolve.Beneath | Resolve.NoSymlinks);
        SetMode(made, mode);
    }

    /// <summary>Opens a directory below this one, component by component and through no link, making what is missing.</summary>
    /// <param name="components">The way there.</param>
    /// <param name="mode">Of what is made, whatever the umask.</param>
    /// <param name="uid">Whose it becomes.</param>
    /// <param name="gid">As <paramref name="uid"/>.</param>
    /// <exception cref="LinuxException">ELOOP or ENOTDIR: something else than a directory is in the way; its path is the exception's.</exception>
    public DirectoryHandle OpenOrMake(IEnumerable<byte[]> components, uint mode, uint uid, uint gid)
    {
        var current = OpenDirectory(".");
        foreach (var component in components)
        {
            using var above = current;
            if (above.TryStatus(component) is null)
            {
                above.CreateDirectory(component, mode);
                above.SetOwner(component, uid, gid);
            }

            current = above.OpenDirectory(component);
        }

        return current;
    }

    public void CreateSymlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> name)
    {
        fixed (byte* to = NativePath.Terminated(target))
        fixed (byte* native = Component(name))
        {
            if (Libc.SymlinkAt(to, Handle, native) != 0) throw LinuxException.Last("symlinkat", Show(name));
        }
    }

    /// <summary>Makes <paramref name="name"/> another name of <paramref name="existing"/> of <paramref name="from"/>; symlinks are linked themselves.</summary>
    public void CreateHardLink(DirectoryHandle from, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> name)
    {
        fixed (byte* old = Component(existing))
        fixed (byte* native = Component(name))
        {
            if (Libc.LinkAt(from.Handle, old, Handle, native, 0) != 0) throw LinuxException.Last("linkat", Show(name));
        }
    }

    public void RemoveFile(ReadOnlySpan<byte> name) => Unlink(name, 0);

    public void RemoveEmptyDirectory(ReadOnlySpan<byte> name) => Unlink(name, Libc.AtRemoveDir);

    public void Rename(ReadOnlySpan<byte> name, DirectoryHandle to, ReadOnlySpan<byte> newName)
    {
        fixed (byte* old = Component(name))
        fixed (byte* native = Component(newName))
        {
            if (Libc.RenameAt(Handle, old, to.Handle, native) != 0) throw LinuxException.Last("renameat", Show(name));
        }
    }

    /// <summary>Swaps two existing entries in one step, so that neither name is ever missing (RENAME_EXCHANGE, renameat2(2)).</summary>
    public void Exchange(ReadOnlySpan<byte> name, DirectoryHandle with, ReadOnlySpan<byte> otherName)
    {
        fixed (byte* native = Component(name))
        fixed (byte* other = Component(otherName))
        {
            if (Libc.RenameAt2(Handle, native, with.Handle, other, Libc.RenameExchange) != 0) throw LinuxException.Last("renameat2", Show(name));
        }
    }

    /// <summary>Waits until the file system that holds this directory is on disk (syncfs(2)).</summary>
    public void SyncFileSystem()
    {
        if (Libc.SyncFs(Handle) != 0) throw LinuxException.Last("syncfs", Path);
    }

    /// <summary>Describes an entry itself, never what a symlink points to; nothing where there is none.</summary>
    public FileStatus? TryStatus(ReadOnlySpan<byte> name)
    {
        Libc.Statx raw;
        fixed (byte* native = Component(name))
        {
            if (Libc.StatxAt(Handle.DangerousGetHandle().ToInt32(), native, Libc.AtSymlinkNoFollow, StatxBasic, &raw) == 0) return FileStatus.From(raw);
        }

        var errno = LinuxException.LastErrno;
        return errno == Errno.ENOENT ? null : throw new LinuxException("statx", Show(name), errno);
    }

    /// <summary>The directory's own status.</summary>
    public FileStatus Status() => StatusOf(Handle);

    public static FileStatus StatusOf(SafeFileHandle file)
    {
        Libc.Statx raw;
        byte empty = 0;
        if (Libc.StatxAt(file.DangerousGetHandle().ToInt32(), &empty, Libc.AtEmptyPath, StatxBasic, &raw) != 0) throw LinuxException.Last("statx", "an open file");
        return FileStatus.From(raw);
    }

    public byte[] ReadLink(ReadOnlySpan<byte> name)
    {
        var buffer = new byte[4096];
        fixed (byte* native = Component(name))
        fixed (byte* target = buffer)
        {
            var length = Libc.ReadLinkAt(Handle, native, target, (nuint)buffer.Length);
            if (length < 0) throw LinuxException.Last("readlinkat", Show(name));
            return buffer.AsSpan(0, (int)length).ToArray();
        }
    }

    /// <summary>The names in this directory, without <c>.</c> and <c>..</c>, in the order the file system gives them.</summary>
    /// <param name="most">How many of them: of a directory that somebody else filled, all can be more than there is memory.</param>
    public List<byte[]> Entries(int most = int.MaxValue)
    {
        using var listing = List();
        var names = new List<byte[]>();
        while (names.Count < most && listing.Next() is { } name) names.Add(name);
        return names;
    }

    /// <summary>The names in this directory one after another, however many; entries may be removed or replaced meanwhile.</summary>
    public DirectoryListing List()
    {
        // A descriptor of its own: readdir(3) moves the position and closedir(3) closes it.
        using var own = OpenAt("."u8, ReadOnly | Directory, 0, Resolve.Beneath);
        var listing = new DirectoryListing(own, Path);
        own.SetHandleAsInvalid();
        return listing;
    }

    /// <summary>Sets the owner of an entry; a symlink's own.</summary>
    public void SetOwner(ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        fixed (byte* native = Component(name))
        {
            if (Libc.FchownAt(Handle, native, uid, gid, Libc.AtSymlinkNoFollow) != 0) throw LinuxException.Last("fchownat", Show(name));
        }
    }

    public void SetOwner(uint uid, uint gid) => SetOwner(Handle, uid, gid);

    public void SetMode(uint mode) => SetMode(Handle, mode);

    public static void SetOwner(SafeFileHandle file, uint uid, uint gid)
    {
        if (Libc.Fchown(file, uid, gid) != 0) throw LinuxException.Last("fchown", "an open file");
    }

    /// <summary>Sets the permission bits of an open file (12 bits).</summary>
    public static void SetMode(SafeFileHandle file, uint mode)
    {
        if (Libc.Fchmod(file, mode) != 0) throw LinuxException.Last("fchmod", "an open file");
    }

    /// <summary>Sets access and modification time of an entry; a symlink's own.</summary>
    public void SetTimes(ReadOnlySpan<byte> name, long seconds, uint nanoseconds)
    {
        var times = stackalloc Libc.Timespec[2];
        times[0] = times[1] = new Libc.Timespec { Seconds = seconds, Nanoseconds = nanoseconds };
        fixed (byte* native = Component(name))
        {
            if (Libc.UtimensAt(Handle, native, times, Libc.AtSymlinkNoFollow) != 0) throw LinuxException.Last("utimensat", Show(name));
        }
    }

    /// <summary>Sets access and modification time of this directory.</summary>
    public void SetTimes(long seconds, uint nanoseconds) => SetTimes(Handle, seconds, nanoseconds);

    /// <summary>Sets access and modification time of an open file.</summary>
    public static void SetTimes(SafeFileHandle file, long seconds, uint nanoseconds)
    {
        var times = stackalloc Libc.Timespec[2];
        times[0] = times[1] = new Libc.Timespec { Seconds = seconds, Nanoseconds = nanoseconds };
        if (Libc.Futimens(file, times) != 0) throw LinuxException.Last("futimens", "an open file");
    }

    public void Dispose() => Handle.Dispose();

    private SafeFileHandle OpenAt(ReadOnlySpan<byte> path, int flags, uint mode, Resolve resolve) =>
        TryOpenAt(path, flags, mode, resolve, out var errno) ?? throw new LinuxException("openat2", Show(path), errno);

    private SafeFileHandle? TryOpenAt(ReadOnlySpan<byte> path, int flags, uint mode, Resolve resolve, out Errno errno)
    {
        var how = new Libc.OpenHow
        {
            Flags = (ulong)(flags | CloseOnExec),
            Mode = mode,
            Resolve = (ulong)(resolve | Resolve.NoMagicLinks),
        };
        fixed (byte* native = NativePath.Terminated(path))
        {
            for (var attempt = 1; ; attempt++)
            {
                var fd = Libc.SyscallOpenAt2(Libc.SysOpenAt2, Handle.DangerousGetHandle().ToInt32(), native, &how, (nuint)sizeof(Libc.OpenHow));
                errno = fd >= 0 ? Errno.None : LinuxException.LastErrno;
                if (fd >= 0) return new SafeFileHandle((nint)fd, ownsHandle: true);
                // A scoped walk through ".." fails with EAGAIN whenever anything on the host was renamed or mounted meanwhile (openat2(2)).
                if (errno is not (Errno.EAGAIN or Errno.EINTR) || attempt == WalkAttempts) return null;
            }
        }
    }

    private void Unlink(ReadOnlySpan<byte> name, int flags)
    {
        fixed (byte* native = Component(name))
        {
            if (Libc.UnlinkAt(Handle, native, flags) != 0) throw LinuxException.Last("unlinkat", Show(name));
        }
    }

    /// <summary>The plain *at calls walk paths as they please, so they get one component only.</summary>
    private static byte[] Component(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Contains((byte)'/') || name.SequenceEqual(".."u8)) throw new ArgumentException($"{NativePath.Display(name)} is not a single file name.");
        return NativePath.Terminated(name);
    }

    private string Show(ReadOnlySpan<byte> path) => $"{Path}/{NativePath.Display(path)}";
}
