using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>
/// An open file or directory as a bare number, for who opens tens of thousands and closes each in the same method: no
/// allocation, and an <see cref="Errno"/> instead of an exception. <see cref="DirectoryHandle"/> is for everybody else.
/// </summary>
/// <remarks>
/// A name is one component with its NUL behind it, as getdents64(2) gives it. The last component is never followed where it is a
/// symlink, and there is no other, so that no call leaves the directory.
/// </remarks>
/// <param name="Number">Negative where nothing is open.</param>
internal readonly unsafe partial record struct RawDescriptor(int Number) : IDisposable
{
    private const int CreateExclusive = 0x40 | 0x80;
    private const int WriteOnly = 1;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const uint StatxBasic = 0x7ff;

    // O_DIRECTORY and O_NOFOLLOW differ between architectures (open(2), asm/fcntl.h).
    private static readonly int Directory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    private static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    public bool IsOpen => Number >= 0;

    /// <summary>Opens a directory that somebody else has open once more, with a position of its own to list it from.</summary>
    public static RawDescriptor Reopen(DirectoryHandle directory)
    {
        var again = new RawDescriptor(directory.Handle.DangerousGetHandle().ToInt32()).OpenAt(".\0"u8, Directory, 0, out var errno);
        return again.IsOpen ? again : throw new LinuxException("openat", directory.Path, errno);
    }

    /// <summary>Opens a file for reading; not blocked by what turns out to be a FIFO, so look at <see cref="Status"/> before reading.</summary>
    public RawDescriptor OpenFile(ReadOnlySpan<byte> name, out Errno errno) => OpenAt(name, NonBlocking | NoFollow, 0, out errno);

    public RawDescriptor OpenDirectory(ReadOnlySpan<byte> name, out Errno errno) => OpenAt(name, Directory | NoFollow, 0, out errno);

    /// <summary>Creates a file for writing, where nothing has that name.</summary>
    public RawDescriptor CreateFile(ReadOnlySpan<byte> name, uint mode, out Errno errno) => OpenAt(name, WriteOnly | CreateExclusive | NoFollow, mode, out errno);

    /// <summary>Lists some more of this directory.</summary>
    /// <returns>How much of the buffer <see cref="DirectoryEntries"/> can read; 0 at the end.</returns>
    public int ReadEntries(Span<byte> buffer, out Errno errno)
    {
        fixed (byte* native = buffer) return (int)Count(Libc.GetDents(Number, native, (nuint)buffer.Length), out errno);
    }

    public Errno Status(out FileStatus status)
    {
        fixed (byte* empty = "\0"u8) return Status(empty, Libc.AtEmptyPath, out status);
    }

    /// <summary>Describes an entry itself, never what a symlink points to.</summary>
    public Errno Status(ReadOnlySpan<byte> name, out FileStatus status)
    {
        fixed (byte* native = Terminated(name)) return Status(native, Libc.AtSymlinkNoFollow, out status);
    }

    public Errno MakeDirectory(ReadOnlySpan<byte> name, uint mode)
    {
        fixed (byte* native = Terminated(name)) return Result(Libc.MkdirAt(Number, native, mode));
    }

    /// <returns>How many bytes the link's target has, which has no NUL behind it.</returns>
    public int ReadLink(ReadOnlySpan<byte> name, Span<byte> buffer, out Errno errno)
    {
        fixed (byte* native = Terminated(name))
        fixed (byte* target = buffer) return (int)Count(Libc.ReadLinkAt(Number, native, target, (nuint)buffer.Length), out errno);
    }

    public Errno MakeSymlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> name)
    {
        fixed (byte* to = Terminated(target))
        fixed (byte* native = Terminated(name)) return Result(Libc.SymlinkAt(to, Number, native));
    }

    /// <summary>Makes <paramref name="name"/> another name of <paramref name="existing"/> of <paramref name="from"/>.</summary>
    public Errno MakeHardLink(RawDescriptor from, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> name)
    {
        fixed (byte* old = Terminated(existing))
        fixed (byte* native = Terminated(name)) return Result(Libc.LinkAt(from.Number, old, Number, native, 0));
    }

    public Errno SetOwner(uint uid, uint gid) => Result(Libc.Fchown(Number, uid, gid));

    /// <summary>Sets the owner of an entry itself.</summary>
    public Errno SetOwner(ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        fixed (byte* native = Terminated(name)) return Result(Libc.FchownAt(Number, native, uid, gid, Libc.AtSymlinkNoFollow));
    }

    public Errno SetMode(uint mode) => Result(Libc.Fchmod(Number, mode));

    /// <summary>Sets access and modification time.</summary>
    public Errno SetTimes(long seconds, uint nanoseconds)
    {
        var times = stackalloc Libc.Timespec[2];
        times[0] = times[1] = new Libc.Timespec { Seconds = seconds, Nanoseconds = nanoseconds };
        return Result(Libc.Futimens(Number, times));
    }

    /// <summary>Sets access and modification time of an entry itself.</summary>
    public Errno SetTimes(ReadOnlySpan<byte> name, long seconds, uint nanoseconds)
    {
        var times = stackalloc Libc.Timespec[2];
        times[0] = times[1] = new Libc.Timespec { Seconds = seconds, Nanoseconds = nanoseconds };
        fixed (byte* native = Terminated(name)) return Result(Libc.UtimensAt(Number, native, times, Libc.AtSymlinkNoFollow));
    }

    public void Dispose()
    {
        // Nothing is gained from what close(2) says: what was written is not waited for.
        if (IsOpen) _ = Libc.Close(Number);
    }

    private static Errno Result(int result) => result == 0 ? Errno.None : LinuxException.LastErrno;

    private static long Count(long result, out Errno errno)
    {
        errno = result < 0 ? LinuxException.LastErrno : Errno.None;
        return Math.Max(result, 0);
    }

    private static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> name) =>
        name is [.., 0] ? name : throw new ArgumentException($"{NativePath.Display(name)} has no NUL behind it.");

    private Errno Status(byte* path, int flags, out FileStatus status)
    {
        Libc.Statx raw;
        var isThere = Libc.StatxAt(Number, path, flags, StatxBasic, &raw) == 0;
        status = isThere ? FileStatus.From(raw) : default;
        return isThere ? Errno.None : LinuxException.LastErrno;
    }

    private RawDescriptor OpenAt(ReadOnlySpan<byte> name, int flags, uint mode, out Errno errno)
    {
        fixed (byte* native = Terminated(name))
        {
            do
            {
                var number = Libc.OpenAt(Number, native, flags | CloseOnExec, mode);
                errno = number >= 0 ? Errno.None : LinuxException.LastErrno;
                if (number >= 0) return new RawDescriptor(number);
            }
            while (errno == Errno.EINTR);
            return new RawDescriptor(-1);
        }
    }
}
