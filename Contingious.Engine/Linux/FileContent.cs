using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>Copies the content of one open regular file to another, new one.</summary>
public static unsafe class FileContent
{
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const long AtOnce = 1 << 30;
    private const int BufferSize = 128 << 10;

    /// <summary>Copies by the kernel where it can, which shares blocks where the file system does (copy_file_range(2)); holes stay holes.</summary>
    /// <param name="source">Open for reading.</param>
    /// <param name="target">Open for writing, and empty.</param>
    /// <param name="status">The source's: a file that takes less than its size is looked through for holes.</param>
    /// <exception cref="LinuxException">It cannot be copied.</exception>
    public static void Copy(SafeFileHandle source, SafeFileHandle target, FileStatus status)
    {
        if (HasHoles(status)) CopySparse(source, target, status.Size);
        else CopyRange(source, target, 0, status.Size);
    }

    /// <summary>Whether a file may have holes, by its status alone. Small files may be kept in their inode, where they take nothing.</summary>
    public static bool HasHoles(FileStatus status) => status.AllocatedBytes < status.Size && status.Size > 4096;

    /// <summary>Copies the stretches that hold data; what lies between is a hole in the copy too (lseek(2), SEEK_DATA).</summary>
    /// <exception cref="LinuxException">It cannot be copied.</exception>
    public static void CopySparse(SafeFileHandle source, SafeFileHandle target, long size)
    {
        for (var position = 0L; position < size;)
        {
            var data = Libc.LSeek(source, position, SeekData);
            if (data < 0)
            {
                // Nothing but a hole is left.
                if (LinuxException.LastErrno == Errno.ENXIO) break;
                throw LinuxException.Last("lseek", "an open file");
            }

            var hole = Libc.LSeek(source, data, SeekHole);
            if (hole < 0) throw LinuxException.Last("lseek", "an open file");
            CopyRange(source, target, data, Math.Min(hole, size) - data);
            position = hole;
        }

        RandomAccess.SetLength(target, size);
    }

    private static void CopyRange(SafeFileHandle source, SafeFileHandle target, long offset, long length)
    {
        while (length > 0)
        {
            long from = offset, to = offset;
            var copied = Libc.CopyFileRange(source, &from, target, &to, (nuint)Math.Min(length, AtOnce), 0);
            if (copied == 0) return;
            if (copied < 0)
            {
                switch (LinuxException.LastErrno)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EXDEV or Errno.EINVAL or Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EPERM:
                        // Between two file systems, or on one that does not know the call.
                        ReadAndWrite(source, target, offset, length);
                        return;
                    default:
                        throw LinuxException.Last("copy_file_range", "an open file");
                }
            }

            (offset, length) = (offset + copied, length - copied);
        }
    }

    private static void ReadAndWrite(SafeFileHandle source, SafeFileHandle target, long offset, long length)
    {
        var buffer = new byte[(int)Math.Min(length, BufferSize)];
        while (length > 0)
        {
            var read = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(length, buffer.Length)), offset);
            if (read == 0) return;
            RandomAccess.Write(target, buffer.AsSpan(0, read), offset);
            (offset, length) = (offset + read, length - read);
        }
    }
}
