using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// A flock(2) on a file or directory; given back by <see cref="Dispose"/> and by the kernel when the process ends,
/// however it ends. The lock belongs to the inode: after a rename the path may name another one (<see cref="IsAt"/>).
/// </summary>
public sealed class FileLock : IDisposable
{
    private const int LockShared = 1;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int Unlock = 8;
    private const int CloseOnExec = 0x80000;
    private const int Create = 0x40;
    private const uint OwnerOnly = 0x180;

    private readonly SafeFileHandle handle;

    private FileLock(SafeFileHandle handle) => this.handle = handle;

    /// <summary>
    /// Takes the lock on a file that is created where there is none, and that its last holder may delete: what is
    /// locked is what the path names. Nothing where somebody else holds it.
    /// </summary>
    public static FileLock? TryClaim(string path)
    {
        while (true)
        {
            // Not by File.OpenHandle, which takes a lock of its own on whatever it opens for writing.
            Open(path, Create).Dispose();
            try
            {
                var claimed = TryExclusive(path);
                if (claimed is null || claimed.IsAt(path)) return claimed;
                claimed.Dispose();
            }
            catch (LinuxException error) when (error.Errno == Errno.ENOENT)
            {
                // Deleted since it was made: again.
            }
        }
    }

    /// <summary>As <see cref="TryClaim"/>, and waits.</summary>
    public static Task<FileLock> ClaimAsync(string path, CancellationToken cancellation) =>
        TryClaim(path) is { } claimed ? Task.FromResult(claimed) : WaitAsync(path, cancellation);

    /// <summary>Takes the lock on what exists; nothing where somebody else holds it.</summary>
    public static FileLock? TryExclusive(string path)
    {
        var file = Open(path);
        if (Libc.Flock(file, LockExclusive | LockNonBlocking) == 0) return new FileLock(file);
        var error = LinuxException.LastErrno == Errno.EAGAIN ? null : LinuxException.Last("flock", path);
        file.Dispose();
        return error is null ? null : throw error;
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

    public void Dispose()
    {
        // Closing alone is not enough: a process that another thread is just starting holds a copy of the descriptor until its exec.
        if (!handle.IsClosed) _ = Libc.Flock(handle, Unlock);
        handle.Dispose();
    }

    private static async Task<FileLock> WaitAsync(string path, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation).ConfigureAwait(false);
            if (TryClaim(path) is { } claimed) return claimed;
        }
    }

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

    private static unsafe SafeFileHandle Open(string path, int flags = 0)
    {
        fixed (byte* native = NativePath.Terminated(path))
        {
            var fd = Libc.Open(native, CloseOnExec | flags, OwnerOnly);
            return fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw LinuxException.Last("open", path);
        }
    }
}
