using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Importer.Layers;

/// <summary>
/// Applies the layers of an image, one after another, to a rootfs (OCI image-spec, layer.md). Every walk is scoped to the rootfs by openat2(2);
/// symlinks that the image has in its paths mean what they would mean inside it.
/// </summary>
/// <param name="root">The rootfs; nobody else changes it.</param>
/// <param name="keepOwners">Whether to give files the owners that the layers say: needs the right to chown, as uid 0 of a user namespace has it.</param>
internal sealed class LayerUnpacker(DirectoryHandle root, ImportLimits limits, UnpackReport report, bool keepOwners)
{
    /// <summary>The largest id that a user namespace of one slice of subordinate ids maps.</summary>
    public const long MaxId = 65535;

    private const uint Permissions = 0x1FF;
    private const uint Sticky = 0x200;
    private const uint SetIdBits = 0xC00;

    private readonly byte[] buffer = new byte[128 << 10];
    private int entries;
    private long unpacked;

    /// <summary>Applies one layer.</summary>
    /// <param name="tar">The layer's tar, unpacked.</param>
    /// <exception cref="InvalidImageException">The layer is malformed, against a limit, or would leave the rootfs.</exception>
    public void Apply(Stream tar, CancellationToken cancellation)
    {
        var reader = new TarReader(tar, limits.TarHeader);
        var layer = new LayerContents(root);
        var directories = new List<TarEntry>();
        while (reader.Next() is { } entry)
        {
            cancellation.ThrowIfCancellationRequested();
            if (++entries > limits.Entries) throw new InvalidImageException($"The image has more than {limits.Entries} entries.");
            try
            {
                ApplyEntry(reader, entry, layer);
            }
            catch (LinuxException error)
            {
                throw new InvalidImageException($"The entry '{EntryPath.Show(entry.Name)}' cannot be unpacked: {error.Message}", error);
            }

            if (entry.Kind == TarEntryKind.Directory) directories.Add(entry);
        }

        // Last and deepest first: whatever is made in a directory changes its time.
        foreach (var entry in Enumerable.Reverse(directories)) SetTime(entry);
    }

    private void ApplyEntry(TarReader reader, TarEntry entry, LayerContents layer)
    {
        var path = EntryPath.Split(entry.Name, limits.Depth);
        if (path.Count == 0)
        {
            // CVE-2021-29136: the rootfs itself must not turn into a symlink.
            if (entry.Kind != TarEntryKind.Directory) throw new InvalidImageException($"The layer makes its own root a {entry.Kind}.");
            SetOwnerAndMode(root, entry);
            return;
        }

        if (path.Any(Whiteout.IsBookkeeping))
        {
            report.Add(Dropped.Metadata, EntryPath.Show(entry.Name));
            return;
        }

        if (path.Take(path.Count - 1).Any(Whiteout.Is)) throw new InvalidImageException($"The layer has something below the whiteout '{EntryPath.Show(entry.Name)}'.");
        var name = path[^1];
        if (Whiteout.Is(name))
        {
            Hide(path, name, layer);
            return;
        }

        using var parent = OpenOrMakeParent(path, path.Count - 1, layer);
        Make(reader, entry, parent, name, layer);
    }

    private void Hide(List<byte[]> path, byte[] name, LayerContents layer)
    {
        DirectoryHandle parent;
        try
        {
            parent = root.OpenDirectory(EntryPath.Join(path, path.Count - 1), Resolve.InRoot);
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            // Nothing to hide.
            return;
        }

        using (parent)
        {
            if (Whiteout.IsOpaque(name)) layer.RemoveLowerContents(parent);
            else layer.RemoveLower(parent, Whiteout.Hidden(name));
        }
    }

    private void Make(TarReader reader, TarEntry entry, DirectoryHandle parent, byte[] name, LayerContents layer)
    {
        if ((entry.Mode & SetIdBits) != 0 && entry.Kind == TarEntryKind.File) report.Add(Dropped.SetUserId, EntryPath.Show(entry.Name));
        if (entry.Xattrs.Count > 0) report.Add(Dropped.Xattrs, EntryPath.Show(entry.Name));
        switch (entry.Kind)
        {
            case TarEntryKind.Directory:
                MakeDirectory(entry, parent, name);
                break;
            case TarEntryKind.File:
                parent.RemoveTree(name);
                MakeFile(reader, entry, parent, name);
                break;
            case TarEntryKind.Symlink:
                parent.RemoveTree(name);
                parent.CreateSymlink(entry.LinkName, name);
                if (keepOwners) parent.SetOwner(name, Id(entry, entry.Uid), Id(entry, entry.Gid));
                parent.SetTimes(name, entry.ModifySeconds, entry.ModifyNanoseconds);
                break;
            case TarEntryKind.HardLink:
                MakeHardLink(entry, parent, name);
                break;
            case TarEntryKind.CharacterDevice or TarEntryKind.BlockDevice or TarEntryKind.Fifo:
                parent.RemoveTree(name);
                report.Add(Dropped.Devices, EntryPath.Show(entry.Name));
                break;
            default:
                throw new InvalidImageException($"The layer has an entry of the kind {entry.Kind}.");
        }

        layer.Add(parent, name);
    }

    private void MakeDirectory(TarEntry entry, DirectoryHandle parent, byte[] name)
    {
        if (parent.TryStatus(name) is not { Kind: FileKind.Directory })
        {
            parent.RemoveTree(name);
            parent.CreateDirectory(name, 0x1ED /* 0755 */);
        }

        using var directory = parent.OpenDirectory(name);
        SetOwnerAndMode(directory, entry);
    }

    private void MakeFile(TarReader reader, TarEntry entry, DirectoryHandle parent, byte[] name)
    {
        using var file = parent.CreateFile(name, 0x180 /* 0600 */);
        Copy(reader, entry, file);
        if (keepOwners) DirectoryHandle.SetOwner(file, Id(entry, entry.Uid), Id(entry, entry.Gid));
        DirectoryHandle.SetMode(file, entry.Mode & Permissions);
        DirectoryHandle.SetTimes(file, entry.ModifySeconds, entry.ModifyNanoseconds);
    }

    private void Copy(TarReader reader, TarEntry entry, SafeFileHandle file)
    {
        if (entry.Size > limits.Unpacked.Bytes - unpacked) throw new InvalidImageException($"The image unpacks to more than {limits.Unpacked}.");
        unpacked += entry.Size;
        var offset = 0L;
        int count;
        while ((count = reader.Read(buffer)) > 0)
        {
            RandomAccess.Write(file, buffer.AsSpan(0, count), offset);
            offset += count;
        }
    }

    private void MakeHardLink(TarEntry entry, DirectoryHandle parent, byte[] name)
    {
        var target = EntryPath.Split(entry.LinkName, limits.Depth);
        if (target.Count == 0) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to the root.");
        using var from = root.OpenDirectory(EntryPath.Join(target, target.Count - 1), Resolve.InRoot);
        if (from.TryStatus(target[^1]) is not { } status) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to '{EntryPath.Show(entry.LinkName)}', which is not there (yet).");
        if (status.Kind == FileKind.Directory) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to a directory.");
        // Two names of one file already: removing one to link it again would lose it where both are the same.
        if (parent.TryStatus(name) is { } present && (present.Inode, present.Device) == (status.Inode, status.Device)) return;
        parent.RemoveTree(name);
        parent.CreateHardLink(from, target[^1], name);
    }

    private DirectoryHandle OpenOrMakeParent(List<byte[]> path, int count, LayerContents layer)
    {
        try
        {
            return root.OpenDirectory(EntryPath.Join(path, count), Resolve.InRoot);
        }
        catch (LinuxException error) when (error.Errno == Errno.ENOENT && count > 0)
        {
            // Layers may leave out directories; then they are root's, 0755, as with every other tool.
            using var above = OpenOrMakeParent(path, count - 1, layer);
            if (above.TryStatus(path[count - 1]) is not null) throw;
            above.CreateDirectory(path[count - 1], 0x1ED /* 0755 */);
            layer.Add(above, path[count - 1]);
            return above.OpenDirectory(path[count - 1]);
        }
    }

    private void SetOwnerAndMode(DirectoryHandle directory, TarEntry entry)
    {
        if (keepOwners) directory.SetOwner(Id(entry, entry.Uid), Id(entry, entry.Gid));
        directory.SetMode(entry.Mode & (Permissions | Sticky));
    }

    private void SetTime(TarEntry entry)
    {
        var path = EntryPath.Split(entry.Name, limits.Depth);
        try
        {
            // Through its parent, so that a symlink that replaced the directory later in the layer is not followed.
            using var parent = root.OpenDirectory(EntryPath.Join(path, Math.Max(path.Count - 1, 0)), Resolve.InRoot);
            if (path.Count == 0) parent.SetTimes(entry.ModifySeconds, entry.ModifyNanoseconds);
            else if (parent.TryStatus(path[^1]) is { Kind: FileKind.Directory }) parent.SetTimes(path[^1], entry.ModifySeconds, entry.ModifyNanoseconds);
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            // Replaced later in the layer.
        }
    }

    private static uint Id(TarEntry entry, long id) => id is >= 0 and <= MaxId
        ? (uint)id
        : throw new InvalidImageException($"The entry '{EntryPath.Show(entry.Name)}' belongs to the id {id}; ids up to {MaxId} can be kept.");
}
