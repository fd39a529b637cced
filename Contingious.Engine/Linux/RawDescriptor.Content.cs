namespace Contingious.Engine.Linux;

/// <summary>What is in a regular file.</summary>
internal readonly unsafe partial record struct RawDescriptor
{
    private const int SeekData = 3;
    private const int SeekHole = 4;

    /// <summary>Makes this empty file share all of another's blocks (ioctl_ficlone(2)); its holes and its size come along.</summary>
    public Errno CloneFrom(RawDescriptor source)
    {
        Errno errno;
        while ((errno = Result(Libc.IoctlNumber(Number, Libc.FiClone, source.Number))) == Errno.EINTR)
        {
            // Again.
        }

        return errno;
    }

    /// <summary>Has the kernel copy a stretch to the same place of this file (copy_file_range(2)).</summary>
    /// <returns>How much of it was copied; nothing at the end of the other file.</returns>
    public long CopyFrom(RawDescriptor source, long offset, long length, out Errno errno)
    {
        long copied;
        do
        {
            long from = offset, to = offset;
            copied = Count(Libc.CopyFileRange(source.Number, &from, Number, &to, (nuint)length, 0), out errno);
        }
        while (errno == Errno.EINTR);
        return copied;
    }

    /// <returns>How much was read; nothing at the end.</returns>
    public int Read(Span<byte> buffer, long offset, out Errno errno)
    {
        fixed (byte* native = buffer)
        {
            long read;
            do read = Count(Libc.PRead(Number, native, (nuint)buffer.Length, offset), out errno);
            while (errno == Errno.EINTR);
            return (int)read;
        }
    }

    /// <summary>Writes all of it.</summary>
    public Errno Write(ReadOnlySpan<byte> content, long offset)
    {
        fixed (byte* native = content)
        {
            for (var done = 0L; done < content.Length;)
            {
                done += Count(Libc.PWrite(Number, native + done, (nuint)(content.Length - done), offset + done), out var errno);
                if (errno is not (Errno.None or Errno.EINTR)) return errno;
            }
        }

        return Errno.None;
    }

    public Errno SetLength(long length) => Result(Libc.FTruncate(Number, length));

    /// <summary>The next stretch that holds data, at or behind a position (lseek(2), SEEK_DATA).</summary>
    /// <returns>Where it begins and ends; both negative where nothing but a hole is left.</returns>
    public (long Start, long End) NextData(long position, out Errno errno)
    {
        var start = Libc.LSeek(Number, position, SeekData);
        var end = start < 0 ? -1 : Libc.LSeek(Number, start, SeekHole);
        errno = end >= 0 ? Errno.None : LinuxException.LastErrno;
        if (start >= 0 || errno != Errno.ENXIO) return (start, end);
        errno = Errno.None;
        return (-1, -1);
    }
}
