using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>Copies the content of one open regular file to another, new one.</summary>
public static class FileContent
{
    private const int BufferSize = 128 << 10;

    /// <summary>Copies by the kernel where it can, which shares blocks where the file system does (ioctl_ficlone(2), copy_file_range(2)); holes stay holes.</summary>
    /// <param name="source">Open for reading.</param>
    /// <param name="target">Open for writing, and empty.</param>
    /// <param name="status">The source's: a file that takes less than its size is looked through for holes.</param>
    /// <exception cref="LinuxException">It cannot be copied.</exception>
    public static void Copy(SafeFileHandle source, SafeFileHandle target, FileStatus status)
    {
        var (from, to) = (new RawDescriptor(source.DangerousGetHandle().ToInt32()), new RawDescriptor(target.DangerousGetHandle().ToInt32()));
        var buffer = new byte[(int)Math.Clamp(status.Size, 1, BufferSize)];
        var errno = new CopyMethods().Copy(from, status, to, status.Device, buffer, out var call, CancellationToken.None);
        GC.KeepAlive(source);
        GC.KeepAlive(target);
        if (errno != Errno.None) throw new LinuxException(call, "an open file", errno);
    }

    /// <summary>Whether a file may have holes, by its status alone. Small files may be kept in their inode, where they take nothing.</summary>
    public static bool HasHoles(FileStatus status) => status.AllocatedBytes < status.Size && status.Size > 4096;
}
