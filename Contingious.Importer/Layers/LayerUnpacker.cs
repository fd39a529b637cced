using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// Applies the layers of an image, one after another, to an empty rootfs (OCI image-spec, layer.md). Every walk is scoped to the rootfs by
/// openat2(2); symlinks that the image has in its paths mean what they would mean inside it.
/// </summary>
/// <param name="root">The rootfs; nobody else changes it.</param>
/// <param name="limits">What the image may cost.</param>
/// <param name="report">What is left out is told here.</param>
/// <param name="keepOwners">Whether to give files the owners that the layers say: needs the right to chown, as uid 0 of a user namespace has it.</param>
internal sealed class LayerUnpacker(DirectoryHandle root, ImportLimits limits, UnpackReport report, bool keepOwners)
{
    private const uint UndescribedMode = 0x1ED; // 0755

    private readonly InodeSet linkedInodes = new();
    private int layers;
    private long entries;
    private long unpacked;

    /// <summary>What gives files their attributes: whoever has entries uses the same.</summary>
    public EntryAttributes Attributes { get; } = new(report, keepOwners);

    /// <summary>The files that were given more than one name.</summary>
    public InodeSet LinkedInodes => linkedInodes;

    /// <summary>Applies one layer.</summary>
    /// <param name="tar">The layer's tar, unpacked.</param>
    /// <param name="cancellation">Ends it early, with the rootfs half made.</param>
    /// <exception cref="InvalidImageException">The layer is malformed, against a limit, or would leave the rootfs.</exception>
    public void Apply(Stream tar, CancellationToken cancellation) => Apply(new TarLayer(tar, limits.TarHeader, Attributes, report), cancellation);

    /// <summary>Applies one layer.</summary>
    /// <exception cref="InvalidImageException">The layer is malformed, against a limit, or would leave the rootfs.</exception>
    public void Apply(ILayerEntries layer, CancellationToken cancellation)
    {
        var isLowest = layers++ == 0;
        // Until a layer describes it, it is as any directory that no layer describes.
        if (isLowest) root.SetTimes(0, 0);
        using var directories = new OpenDirectories(root);
        var contents = new LayerContents(isLowest);
        contents.AddRoot(root);
        while (layer.Next() is { } entry)
        {
            cancellation.ThrowIfCancellationRequested();
            CountEntry();
            try
            {
                ApplyEntry(layer, entry, directories, contents);
            }
            catch (LinuxException error)
            {
                throw new InvalidImageException($"The entry '{EntryPath.Show(entry.Name)}' cannot be unpacked: {error.Message}", error);
            }
        }

        directories.LetGo();
    }

    private void ApplyEntry(ILayerEntries layer, TarEntry entry, OpenDirectories directories, LayerContents contents)
    {
        var path = EntryPath.Parse(entry.Name, limits.Depth);
        if (path.IsRoot)
        {
            // CVE-2021-29136: the rootfs itself must not turn into a symlink.
            if (entry.Kind != TarEntryKind.Directory) throw new InvalidImageException($"The layer makes its own root a {entry.Kind}.");
            Describe(HoldParent(path, directories, contents), entry, isNew: false);
            return;
        }

        if (Whiteout.IsBookkeeping(path))
        {
            report.Add(Dropped.Metadata, EntryPath.Show(entry.Name));
            return;
        }

        if (Whiteout.IsAbove(path)) throw new InvalidImageException($"The layer has something below the whiteout '{EntryPath.Show(entry.Name)}'.");
        if (Whiteout.Is(path.Name)) Hide(path, directories, contents);
        else Make(layer, entry, path, directories, contents);
    }

    private static void Hide(EntryPath path, OpenDirectories directories, LayerContents contents)
    {
        var isOpaque = Whiteout.IsOpaque(path.Name);
        var hidden = isOpaque ? default : Whiteout.Hidden(path.Name);
        if (contents.IsLowest) return;
        if (directories.TryHold(path.Parent, out var errno) is not { } parent)
        {
            // Nothing to hide.
            if (errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP) return;
            throw new LinuxException("openat2", NativePath.Display(path.Parent.Bytes), errno);
        }

        if (!isOpaque && parent.Handle.TryStatus(hidden) is null) return;
        // What a path means may change, and removing below a directory that is open changes its time.
        directories.LetGo(except: parent);
        parent.Change();
        if (isOpaque) contents.RemoveLowerContents(parent.Handle);
        else contents.RemoveLower(parent.Handle, hidden);
    }

    private void Make(ILayerEntries layer, TarEntry entry, EntryPath path, OpenDirectories directories, LayerContents contents)
    {
        if (keepOwners && entry.Kind is TarEntryKind.File or TarEntryKind.Directory or TarEntryKind.Symlink) EntryAttributes.CheckOwner(entry);
        var parent = HoldParent(path.Parent, directories, contents);
        var name = path.Name;
        parent.Change();
        switch (entry.Kind)
        {
            case TarEntryKind.Directory:
                MakeDirectory(entry, path, parent, directories, contents);
                return;
            case TarEntryKind.File:
                if (entry.Size > limits.Unpacked.Bytes - unpacked) throw new InvalidImageException($"The image unpacks to more than {limits.Unpacked}.");
                unpacked += entry.Size;
                while (!layer.TryMake(entry, parent.Handle, name)) Remove(parent, name, directories);
                break;
            case TarEntryKind.Symlink:
                while (!parent.Handle.TryCreateSymlink(entry.LinkName, name)) Remove(parent, name, directories);
                Attributes.ApplyToSymlink(parent.Handle, name, entry);
                break;
            case TarEntryKind.HardLink:
                MakeHardLink(entry, parent, name, directories, contents);
                return;
            case TarEntryKind.CharacterDevice or TarEntryKind.BlockDevice or TarEntryKind.Fifo:
                Remove(parent, name, directories);
                report.Add(Dropped.Devices, EntryPath.Show(entry.Name));
                break;
            default:
                throw new InvalidImageException($"The layer has an entry of the kind {entry.Kind}.");
        }

        contents.Add(parent, name);
    }

    private void MakeDirectory(TarEntry entry, EntryPath path, HeldDirectory parent, OpenDirectories directories, LayerContents contents)
    {
        var name = path.Name;
        bool isNew;
        while (!(isNew = parent.Handle.TryCreateDirectory(name, UndescribedMode)))
        {
            if (parent.Handle.TryStatus(name) is { Kind: FileKind.Directory }) break;
            Remove(parent, name, directories);
        }

        var directory = directories.Hold(path, parent.Handle.OpenDirectory(name));
        Describe(directory, entry, isNew);
        contents.AddDirectory(parent, directory);
    }

    private void MakeHardLink(TarEntry entry, HeldDirectory parent, ReadOnlySpan<byte> name, OpenDirectories directories, LayerContents contents)
    {
        var target = EntryPath.Parse(entry.LinkName, limits.Depth);
        if (target.IsRoot) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to the root.");
        var from = directories.TryHold(target.Parent, out var errno) ?? throw new LinuxException("openat2", NativePath.Display(target.Parent.Bytes), errno);
        if (from.Handle.TryStatus(target.Name) is not { } status) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to '{EntryPath.Show(entry.LinkName)}', which is not there (yet).");
        if (status.Kind == FileKind.Directory) throw new InvalidImageException($"The hard link '{EntryPath.Show(entry.Name)}' points to a directory.");
        linkedInodes.Add(status.Inode);
        while ((errno = parent.Handle.TryCreateHardLink(from.Handle, target.Name, name)) != Errno.None)
        {
            if (errno != Errno.EEXIST) throw new LinuxException("linkat", NativePath.Display(name), errno);
            // Two names of one file already: removing one to link it again would lose it where both are the same.
            if (parent.Handle.TryStatus(name) is { } present && present.Inode == status.Inode) break;
            Remove(parent, name, directories);
            // Which may have closed it.
            from = directories.TryHold(target.Parent, out errno) ?? throw new LinuxException("openat2", NativePath.Display(target.Parent.Bytes), errno);
        }

        contents.AddLink(parent, name, status.Inode);
    }

    /// <summary>The directory of a path; what is missing of it is made, root's and 0755, and as old as can be, so that two imports are alike.</summary>
    private HeldDirectory HoldParent(EntryPath path, OpenDirectories directories, LayerContents contents)
    {
        if (directories.TryHold(path, out var errno) is { } held) return held;
        if (errno != Errno.ENOENT || path.IsRoot) throw new LinuxException("openat2", NativePath.Display(path.Bytes), errno);
        var above = HoldParent(path.Parent, directories, contents);
        CountEntry();
        above.Change();
        // A dangling symlink has the name.
        if (!above.Handle.TryCreateDirectory(path.Name, UndescribedMode)) throw new LinuxException("openat2", NativePath.Display(path.Bytes), errno);
        var made = directories.Hold(path, above.Handle.OpenDirectory(path.Name));
        made.Handle.SetMode(UndescribedMode);
        made.SetTime(0, 0);
        contents.AddDirectory(above, made);
        return made;
    }

    /// <summary>What a layer has, and what must be made for it, cost an inode each.</summary>
    private void CountEntry()
    {
        if (++entries > limits.Entries) throw new InvalidImageException($"The image has more than {limits.Entries} entries.");
    }

    private void Describe(HeldDirectory directory, TarEntry entry, bool isNew)
    {
        Attributes.Apply(directory.Handle, entry, isNew);
        directory.SetTime(entry.ModifySeconds, entry.ModifyNanoseconds);
    }

    private static void Remove(HeldDirectory parent, ReadOnlySpan<byte> name, OpenDirectories directories)
    {
        if (parent.Handle.TryStatus(name) is not { } status) return;
        if (status.Kind is FileKind.Directory or FileKind.Symlink) directories.LetGo(except: parent);
        parent.Handle.RemoveTree(name);
    }
}
