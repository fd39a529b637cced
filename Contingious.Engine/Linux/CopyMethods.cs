using System.Collections.Concurrent;

namespace Contingious.Engine.Linux;

/// <summary>How the content of a file gets into another, best first.</summary>
public enum CopyMethod
{
    /// <summary>Both share the blocks (ioctl_ficlone(2)).</summary>
    Clone,

    /// <summary>The kernel copies, and on some file systems shares (copy_file_range(2)).</summary>
    CopyRange,

    /// <summary>Through a buffer of ours, which works between any two file systems.</summary>
    ReadWrite,
}

/// <summary>Which method works between two file systems: what was refused once is not tried again. For any number of threads.</summary>
internal sealed class CopyMethods
{
    /// <summary>Up to here a read and a write are quicker than copy_file_range(2), but not than sharing blocks.</summary>
    private const int Small = 16 << 10;

    /// <summary>As much as is copied before somebody may end it.</summary>
    private const long AtOnce = 64 << 20;

    private readonly ConcurrentDictionary<(ulong Source, ulong Target), CopyMethod> known = new();

    /// <summary>The best of the methods that was not refused between any two devices so far.</summary>
    public CopyMethod Best => known.IsEmpty ? CopyMethod.Clone : known.Values.Max();

    /// <summary>What is tried next between two devices.</summary>
    public CopyMethod Between(ulong source, ulong target) => known.GetValueOrDefault((source, target));

    /// <summary>Copies the content of a regular file; holes stay holes.</summary>
    /// <param name="source">Open for reading.</param>
    /// <param name="status">The source's.</param>
    /// <param name="target">Open for writing, and empty.</param>
    /// <param name="targetDevice">Where the target is.</param>
    /// <param name="buffer">What may be used; its size matters to speed only.</param>
    /// <param name="call">The call that failed.</param>
    /// <param name="cancellation">Ends it early.</param>
    public Errno Copy(RawDescriptor source, in FileStatus status, RawDescriptor target, ulong targetDevice, Span<byte> buffer, out string call, CancellationToken cancellation)
    {
        call = "";
        if (status.Size == 0) return Errno.None;
        var pair = (status.Device, targetDevice);
        var hasHoles = FileContent.HasHoles(status);
        if (Between(status.Device, targetDevice) == CopyMethod.Clone)
        {
            var errno = target.CloneFrom(source);
            if (errno is Errno.None or Errno.EIO) return Failed("ioctl FICLONE", errno, ref call);
            if (IsRefusal(errno)) Refuse(pair, CopyMethod.Clone);

            // Whatever else keeps this one file from being shared, such as blocks that are not on disk yet, does not keep it from being copied; a disk that is full says so again.
            // Nothing is cut off that is not there: of a file that was, ext4 puts all blocks on the disk when it is closed (auto_da_alloc of ext4(5)).
            errno = target.Status(out var made);
            if (errno == Errno.None && made.Size > 0) errno = target.SetLength(0);
            if (errno != Errno.None) return Failed("ftruncate", errno, ref call);
        }

        if (status.Size <= Small && !hasHoles) return ReadAndWrite(source, target, 0, status.Size, buffer, ref call, cancellation);
        return hasHoles
            ? CopyData(source, target, status.Size, pair, buffer, ref call, cancellation)
            : CopyRange(source, target, 0, status.Size, pair, buffer, ref call, cancellation);
    }

    private Errno CopyData(RawDescriptor source, RawDescriptor target, long size, (ulong Source, ulong Target) pair, Span<byte> buffer, ref string call, CancellationToken cancellation)
    {
        for (var position = 0L; position < size;)
        {
            var (start, end) = source.NextData(position, out var errno);
            if (errno != Errno.None) return Failed("lseek", errno, ref call);
            if (start < 0) break;
            errno = CopyRange(source, target, start, Math.Min(end, size) - start, pair, buffer, ref call, cancellation);
            if (errno != Errno.None) return errno;
            position = end;
        }

        return Failed("ftruncate", target.SetLength(size), ref call);
    }

    private Errno CopyRange(RawDescriptor source, RawDescriptor target, long offset, long length, (ulong Source, ulong Target) pair, Span<byte> buffer, ref string call, CancellationToken cancellation)
    {
        while (length > 0 && Between(pair.Source, pair.Target) != CopyMethod.ReadWrite)
        {
            cancellation.ThrowIfCancellationRequested();
            var copied = target.CopyFrom(source, offset, Math.Min(length, AtOnce), out var errno);
            if (IsRefusal(errno)) Refuse(pair, CopyMethod.CopyRange);
            else if (errno != Errno.None) return Failed("copy_file_range", errno, ref call);

            // The end of a file that shrank; or one whose size is not what can be read of it, which reading finds out.
            else if (copied == 0) break;
            (offset, length) = (offset + copied, length - copied);
        }

        return ReadAndWrite(source, target, offset, length, buffer, ref call, cancellation);
    }

    private static Errno ReadAndWrite(RawDescriptor source, RawDescriptor target, long offset, long length, Span<byte> buffer, ref string call, CancellationToken cancellation)
    {
        while (length > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = source.Read(buffer[..(int)Math.Min(length, buffer.Length)], offset, out var errno);
            if (errno != Errno.None) return Failed("pread", errno, ref call);
            if (read == 0) break;
            errno = target.Write(buffer[..read], offset);
            if (errno != Errno.None) return Failed("pwrite", errno, ref call);
            (offset, length) = (offset + read, length - read);
        }

        return Errno.None;
    }

    /// <summary>
    /// Between two file systems, on one that does not know the call, or where a filter of system calls does not let it through. EINVAL can
    /// be of one file alone (ioctl_ficlone(2), btrfs without checksums): that only costs the others some speed.
    /// </summary>
    private static bool IsRefusal(Errno errno) =>
        errno is Errno.EXDEV or Errno.EOPNOTSUPP or Errno.EINVAL or Errno.ENOTTY or Errno.ENOSYS or Errno.EPERM or Errno.ETXTBSY;

    private static Errno Failed(string name, Errno errno, ref string call)
    {
        if (errno != Errno.None) call = name;
        return errno;
    }

    private void Refuse((ulong Source, ulong Target) pair, CopyMethod method) =>
        known.AddOrUpdate(pair, method + 1, (_, now) => now > method ? now : method + 1);
}
