using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// A flock(2) on an existing file or directory; given back by <see cref="Dispose"/> and by the kernel when the process ends,
/// however it ends. The lock belongs to the inode: after a rename the path may name another one (<see cref="IsAt"/>).
/// </summary>
public sealed unsafe class FileLock : IDisposable
{
    private const int LockShared = 1;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int CloseOnExec = 0x80000;

    private readonly SafeFileHandle handle;

    private FileLock(SafeFileHandle handle) => this.handle = handle;

    /// <summary>Nothing where somebody else holds a lock.</summary>
    public static FileLock? TryExclusive(string path)
    {
        var file = Open(path);
        if (Libc.Flock(file, LockExclusive | LockNonBlocking) == 0) return new FileLock(file);
        var error = LinuxException.Last("flock", path);
        file.Dispose();
        return error.Errno == Errno.EAGAIN ? null : throw error;
    }

    /// <summary>Waits until nobody else holds a lock.</summary>
    public static FileLock Exclusive(string path) => Take(path, LockExclusive);

    /// <summary>Waits until nobody holds an exclusive lock.</summary>
    public static FileLock Shared(string path) => Take(path, LockShared);

    /// <summary>Whether the path still names what was locked.</summary>
    public bool IsAt(string path)
    {
        try
        {
            using var now = Open(path);
            var (held, there) = (DirectoryHandle.StatusOf(handle), DirectoryHandle.StatusOf(now));
            return (held.Inode, held.Device) == (there.Inode, there.Device);
        }
        catch (LinuxException error) when (error.Errno == Errno.ENOENT)
        {
            return false;
        }
    }

    public void Dispose() => handle.Dispose();

    private static FileLock Take(string path, int operation)
    {
        var file = Open(path);
        while (Libc.Flock(file, operation) != 0)
        {
            var error = LinuxException.Last("flock", path);
            if (error.Errno == Errno.EINTR) continue;
            file.Dispose();
            throw error;
        }

        return new FileLock(file);
    }

    private static SafeFileHandle Open(string path)
    {
        fixed (byte* native = NativePath.Terminated(path))
        {
            var fd = Libc.Open(native, CloseOnExec, 0);
            return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw LinuxException.Last("open", path);
        }
    }
}
