using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>
/// Copies a directory tree into an empty directory: owners shifted into a slice of the subordinate ids, modes and
/// times kept, hard links kept among themselves. Both sides are walked by descriptor, never by path.
/// </summary>
internal sealed class TreeCloner(uint idShift, CancellationToken cancellation)
{
    private readonly Dictionary<ulong, (DirectoryHandle Directory, byte[] Name)> linked = [];
    private readonly List<DirectoryHandle> held = [];

    public void Clone(DirectoryHandle from, DirectoryHandle to)
    {
        try
        {
            CloneContents(from, to);
            CloneAttributes(from.Status(), to);
        }
        finally
        {
            held.ForEach(directory => directory.Dispose());
        }
    }

    private void CloneContents(DirectoryHandle from, DirectoryHandle to)
    {
        foreach (var name in from.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            if (from.TryStatus(name) is not { } status) continue;
            switch (status.Kind)
            {
                case FileKind.Directory:
                    to.CreateDirectory(name, status.Permissions);
                    var source = from.OpenDirectory(name);
                    var target = to.OpenDirectory(name);
                    CloneContents(source, target);
                    CloneAttributes(status, target);
                    to.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
                    Release(source);
                    Release(target);
                    break;
                case FileKind.Regular:
                    CloneFile(from, to, name, status);
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

    private void CloneFile(DirectoryHandle from, DirectoryHandle to, byte[] name, FileStatus status)
    {
        if (status.LinkCount > 1)
        {
            if (linked.TryGetValue(status.Inode, out var first))
            {
                to.CreateHardLink(first.Directory, first.Name, name);
                return;
            }

            linked[status.Inode] = (to, name);
            if (!held.Contains(to)) held.Add(to);
        }

        using (var source = from.OpenRead(name))
        using (var target = to.CreateFile(name, 0x180))
        {
            Copy(source, target, status.Size);
            DirectoryHandle.SetOwner(target, status.Uid + idShift, status.Gid + idShift);

            // After the owner: chown(2) clears the bits above 0777.
            DirectoryHandle.SetMode(target, status.Permissions);
        }

        to.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
    }

    private void CloneAttributes(FileStatus status, DirectoryHandle target)
    {
        target.SetOwner(status.Uid + idShift, status.Gid + idShift);
        target.SetMode(status.Permissions);
    }

    private static void Copy(Microsoft.Win32.SafeHandles.SafeFileHandle source, Microsoft.Win32.SafeHandles.SafeFileHandle target, long size)
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

    private void Release(DirectoryHandle directory)
    {
        if (!held.Contains(directory)) directory.Dispose();
    }
}
