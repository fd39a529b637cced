using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// The same calls for who makes many entries and expects some to be in the way: an exception for each would cost more than the call.
/// </summary>
public sealed unsafe partial class DirectoryHandle
{
    /// <summary>Opens a directory below this one; nothing where it cannot be, and why.</summary>
    public DirectoryHandle? TryOpenDirectory(ReadOnlySpan<byte> path, Resolve resolve, out Errno errno) =>
        TryOpenAt(path, ReadOnly | Directory, 0, resolve, out errno) is { } handle ? new DirectoryHandle(handle, Show(path)) : null;

    /// <summary>Creates a new file for writing; nothing where anything has that name.</summary>
    /// <exception cref="LinuxException">It cannot be created for another reason.</exception>
    public SafeFileHandle? TryCreateFile(ReadOnlySpan<byte> name, uint mode)
    {
        const int writeOnlyCreateExclusive = 0x1 | 0x40 | 0x80;
        var file = TryOpenAt(name, writeOnlyCreateExclusive | NoFollow, mode, Resolve.Beneath | Resolve.NoSymlinks, out var errno);
        return file is not null || errno == Errno.EEXIST ? file : throw new LinuxException("openat2", Show(name), errno);
    }

    /// <summary>Creates one directory, whose mode the umask may narrow; false where anything has that name.</summary>
    /// <exception cref="LinuxException">It cannot be created for another reason.</exception>
    public bool TryCreateDirectory(ReadOnlySpan<byte> name, uint mode)
    {
        fixed (byte* native = Component(name)) return IsMade(Libc.MkdirAt(Handle, native, mode), "mkdirat", name);
    }

    /// <summary>Creates a symlink; false where anything has that name.</summary>
    /// <exception cref="LinuxException">It cannot be created for another reason.</exception>
    public bool TryCreateSymlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> name)
    {
        fixed (byte* to = NativePath.Terminated(target))
        fixed (byte* native = Component(name)) return IsMade(Libc.SymlinkAt(to, Handle, native), "symlinkat", name);
    }

    /// <summary>As <see cref="CreateHardLink"/>, and says what was in the way.</summary>
    public Errno TryCreateHardLink(DirectoryHandle from, ReadOnlySpan<byte> existing, ReadOnlySpan<byte> name)
    {
        fixed (byte* old = Component(existing))
        fixed (byte* native = Component(name)) return Libc.LinkAt(from.Handle, old, Handle, native, 0) == 0 ? Errno.None : LinuxException.LastErrno;
    }

    private bool IsMade(int result, string call, ReadOnlySpan<byte> name)
    {
        if (result == 0) return true;
        var errno = LinuxException.LastErrno;
        return errno == Errno.EEXIST ? false : throw new LinuxException(call, Show(name), errno);
    }
}
