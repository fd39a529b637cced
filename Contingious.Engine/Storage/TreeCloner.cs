using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Storage;

/// <summary>
/// Copies a directory tree into an empty directory: owners shifted into a slice of the subordinate ids, modes and
/// times kept, holes and hard links too. Both sides are walked by descriptor, never by path.
/// </summary>
/// <param name="idShift">Added to every owner.</param>
/// <param name="copiesXattrs">
/// Whether attributes of <c>user.*</c> are looked for and copied, where the target has any (tmpfs has since Linux 6.6). No others are:
/// <c>security.capability</c> does nothing where a container runs, and the copy's owner is another.
/// </param>
/// <param name="cancellation">Ends it early.</param>
internal sealed class TreeCloner(uint idShift, bool copiesXattrs, CancellationToken cancellation)
{
    /// <summary>The first copy of a file with more than one name, by the inode of what it is a copy of.</summary>
    private readonly Dictionary<ulong, (Place Directory, byte[] Name)> linked = [];

    public void Clone(DirectoryHandle from, DirectoryHandle to)
    {
        CloneContents(from, to, new Place(to, null, []));
        CloneAttributes(from.Status(), from, to);
    }

    /// <summary>Copies one regular file into another directory, where nothing has its name.</summary>
    public void CloneFile(DirectoryHandle from, DirectoryHandle to, byte[] name) =>
        CloneFile(from, to, name, (from.TryStatus(name) ?? throw new FileNotFoundException($"{from.Path}/{NativePath.Display(name)} is not there.")) with { LinkCount = 1 }, new Place(to, null, []));

    private void CloneContents(DirectoryHandle from, DirectoryHandle to, Place place)
    {
        foreach (var name in from.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            if (from.TryStatus(name) is not { } status) continue;
            switch (status.Kind)
            {
                case FileKind.Directory:
                    to.CreateDirectory(name, status.Permissions);
                    using (var source = from.OpenDirectory(name))
                    using (var target = to.OpenDirectory(name))
                    {
                        CloneContents(source, target, new Place(place.Root, place, name));
                        CloneAttributes(status, source, target);
                    }

                    to.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
                    break;
                case FileKind.Regular:
                    CloneFile(from, to, name, status, place);
                    break;
                case FileKind.Symlink:
                    to.CreateSymlink(from.ReadLink(name), name);
                    to.SetOwner(name, status.Uid + idShift, status.Gid + idShift);
                    to.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
                    break;
                case FileKind.Unknown or FileKind.Fifo or FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Socket:
                    // The importer leaves none of these behind.
                    break;
                default:
                    throw new InvalidOperationException($"{status.Kind} is no kind of file.");
            }
        }
    }

    private void CloneFile(DirectoryHandle from, DirectoryHandle to, byte[] name, FileStatus status, Place place)
    {
        if (status.LinkCount > 1 && !linked.TryAdd(status.Inode, (place, name)))
        {
            var first = linked[status.Inode];
            using var directory = first.Directory.Open();
            to.CreateHardLink(directory, first.Name, name);
            return;
        }

        using (var source = from.OpenRead(name))
        using (var target = to.CreateFile(name, 0x180))
        {
            if (FileContent.HasHoles(status)) FileContent.CopySparse(source, target, status.Size);
            else Copy(source, target, status.Size);
            DirectoryHandle.SetOwner(target, status.Uid + idShift, status.Gid + idShift);

            // After the owner: chown(2) clears the bits above 0777.
            DirectoryHandle.SetMode(target, status.Permissions);
            if (copiesXattrs) CopyXattrs(FileXattrs.Names(source), xattr => FileXattrs.TryGet(source, xattr), (xattr, value) => FileXattrs.TrySet(target, xattr, value));
        }

        to.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
    }

    private void CloneAttributes(FileStatus status, DirectoryHandle source, DirectoryHandle target)
    {
        target.SetOwner(status.Uid + idShift, status.Gid + idShift);
        target.SetMode(status.Permissions);
        if (copiesXattrs) CopyXattrs(FileXattrs.Names(source), xattr => FileXattrs.TryGet(source, xattr), (xattr, value) => FileXattrs.TrySet(target, xattr, value));
    }

    private static void CopyXattrs(IReadOnlyList<byte[]> names, Func<byte[], byte[]?> get, Func<byte[], byte[], Errno> set)
    {
        foreach (var name in names)
        {
            if (!name.AsSpan().StartsWith("user."u8) || get(name) is not { } value) continue;
            if (set(name, value) is var errno and not (Errno.None or Errno.EOPNOTSUPP)) throw new LinuxException("fsetxattr", NativePath.Display(name), errno);
        }
    }

    private static void Copy(SafeFileHandle source, SafeFileHandle target, long size)
    {
        var buffer = new byte[(int)Math.Clamp(size, 1, 128 << 10)];
        long offset = 0;
        int read;
        while ((read = RandomAccess.Read(source, buffer, offset)) > 0)
        {
            RandomAccess.Write(target, buffer.AsSpan(0, read), offset);
            offset += read;
        }
    }

    /// <summary>A directory of the copy by its way there: as many as have hard links may not all be open at once.</summary>
    private sealed record Place(DirectoryHandle Root, Place? Above, byte[] Name)
    {
        public DirectoryHandle Open()
        {
            var path = new List<byte>();
            for (var place = this; place.Above is not null; place = place.Above) path.InsertRange(0, [.. place.Name, (byte)'/']);
            return Root.OpenDirectory(path.Count == 0 ? "."u8.ToArray() : [.. path]);
        }
    }
}
