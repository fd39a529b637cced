using System.Buffers;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>How one entry is copied.</summary>
internal sealed partial class TreeCloner
{
    private const uint OwnersDirectory = 0x1C0; // 0700
    private const uint PlainBits = 0x1FF; // 0777

    private void CloneRegular(ClonePlace place, in DirectoryEntries entry, byte[] buffer, bool isAlone)
    {
        using var source = place.Source.OpenFile(entry.Name, out var errno);
        if (errno == Errno.ENOENT) return;
        Check(errno, "openat", place, entry.Name, isSource: true);
        Check(source.Status(out var status), "statx", place, entry.Name, isSource: true);

        // Only a listing that is out of date says otherwise.
        if (status.Kind != FileKind.Regular) return;
        if (status.Size >= Large && threads > 1 && !isAlone)
        {
            CountUp(status.Size * Many / Much);
            var again = ArrayPool<byte>.Shared.Rent(entry.Current.Length);
            entry.Current.CopyTo(again);
            PutAside(place, again, entry.Current.Length);
            return;
        }

        if (status.LinkCount > 1)
        {
            var first = links.Claim(status, place, entry.Name, out var isFirst);
            if (!isFirst)
            {
                Link(first, place, entry.Name);
                return;
            }

            CopyFile(place, source, entry.Name, status, buffer);
            first.IsThere = true;
            return;
        }

        CopyFile(place, source, entry.Name, status, buffer);
    }

    private void CopyFile(ClonePlace place, RawDescriptor source, ReadOnlySpan<byte> name, in FileStatus status, byte[] buffer)
    {
        using var target = place.Target.CreateFile(name, status.Permissions & PlainBits, out var errno);
        Check(errno, "openat", place, name);
        Check(methods.Copy(source, status, target, targetDevice, buffer, out var call, cancellation), call, place, name, isSource: call is "pread" or "lseek");

        // Changing an inode is a transaction on most file systems, and looking at it is nothing; the umask may have let the mode be.
        Check(target.Status(out var made), "statx", place, name);
        if (made.Size != status.Size) throw new IOException($"{place.Display(name, isSource: true)} has {status.Size:N0} bytes, and its copy {made.Size:N0}: the file, or the file system it is on, is damaged.");
        GiveAttributes(place, name, status, source, target, made);
        Check(target.SetTimes(status.ModifySeconds, status.ModifyNanoseconds), "futimens", place, name);
    }

    private void CloneSymlink(ClonePlace place, ReadOnlySpan<byte> name, byte[] buffer)
    {
        var errno = place.Source.Status(name, out var status);
        if (errno == Errno.ENOENT) return;
        Check(errno, "statx", place, name, isSource: true);
        var length = place.Source.ReadLink(name, buffer.AsSpan(0, buffer.Length - 1), out errno);
        Check(errno, "readlinkat", place, name, isSource: true);
        buffer[length] = 0;
        Check(place.Target.MakeSymlink(buffer.AsSpan(0, length + 1), name), "symlinkat", place, name);
        Check(place.Target.SetOwner(name, status.Uid + idShift, status.Gid + idShift), "fchownat", place, name);
        Check(place.Target.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds), "utimensat", place, name);
    }

    /// <summary>Makes a directory and opens it on both sides; the root is open.</summary>
    private static void Open(ClonePlace place)
    {
        if (place.Above is not { } above) return;
        place.Source = above.Source.OpenDirectory(place.Name, out var errno);
        Check(errno, "openat", above, place.Name, isSource: true);
        Check(place.Source.Status(out var status), "statx", above, place.Name, isSource: true);
        place.Status = status;
        Check(above.Target.MakeDirectory(place.Name, OwnersDirectory), "mkdirat", above, place.Name);
        place.Target = above.Target.OpenDirectory(place.Name, out errno);
        Check(errno, "openat", above, place.Name);
    }

    /// <summary>What a directory gets when all in it is done. The root's times are its owner's affair.</summary>
    private void CloneAttributes(ClonePlace place)
    {
        Check(place.Target.Status(out var made), "statx", place, []);
        GiveAttributes(place, [], place.Status, place.Source, place.Target, made);
        if (place.Above is not null) Check(place.Target.SetTimes(place.Status.ModifySeconds, place.Status.ModifyNanoseconds), "futimens", place, []);
    }

    /// <param name="made">What the target has by now.</param>
    private void GiveAttributes(ClonePlace place, ReadOnlySpan<byte> name, in FileStatus status, RawDescriptor source, RawDescriptor target, in FileStatus made)
    {
        var (uid, gid) = (status.Uid + idShift, status.Gid + idShift);
        if ((made.Uid, made.Gid) != (uid, gid)) Check(target.SetOwner(uid, gid), "fchown", place, name);

        // After the owner: chown(2) clears the bits above 0777.
        if (made.Permissions != status.Permissions || (status.Permissions & ~PlainBits) != 0) Check(target.SetMode(status.Permissions), "fchmod", place, name);
        if (!copiesXattrs) return;
        foreach (var xattr in FileXattrs.Names(source))
        {
            if (!xattr.AsSpan().StartsWith("user."u8) || FileXattrs.TryGet(source, xattr) is not { } value) continue;
            if (FileXattrs.TrySet(target, xattr, value) is var errno and not (Errno.None or Errno.EOPNOTSUPP)) throw new LinuxException("fsetxattr", NativePath.Display(xattr), errno);
        }
    }

    /// <summary>Gives a copy another name, at once where it is there already; else some other thread is at it.</summary>
    private void Link(CloneLinks.First first, ClonePlace place, ReadOnlySpan<byte> name)
    {
        if (!first.IsThere)
        {
            links.PutOffUntilLast(first, place, name.ToArray());
            return;
        }

        if (ReferenceEquals(first.Place, place))
        {
            Check(place.Target.MakeHardLink(place.Target, first.Name, name), "linkat", place, name);
            return;
        }

        using var from = first.Place.ReopenTarget();
        Check(place.Target.MakeHardLink(from, first.Name, name), "linkat", place, name);
    }

    private static void LinkLate(CloneLinks.First first, ClonePlace place, byte[] name)
    {
        using var from = first.Place.ReopenTarget();
        using var to = place.ReopenTarget();
        Check(to.MakeHardLink(from, first.Name, name), "linkat", place, name);
        if (place.Above is not null) Check(to.SetTimes(place.Status.ModifySeconds, place.Status.ModifyNanoseconds), "futimens", place, []);
    }

    private static void Check(Errno errno, string call, ClonePlace place, ReadOnlySpan<byte> name, bool isSource = false)
    {
        if (errno != Errno.None) throw new LinuxException(call, place.Display(name, isSource), errno);
    }
}
