using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Importer.Layers;

/// <summary>Gives what is unpacked the owner, mode, extended attributes and time of its entry, as far as a rootfs keeps them.</summary>
/// <param name="report">What is not kept is told here.</param>
/// <param name="keepOwners">Whether to give files the owners that the layers say.</param>
internal sealed class EntryAttributes(UnpackReport report, bool keepOwners)
{
    /// <summary>The largest id that a user namespace of one slice of subordinate ids maps.</summary>
    public const long MaxId = 65535;

    private const uint Permissions = 0x1FF;
    private const uint Sticky = 0x200;
    private const uint SetIdBits = 0xC00;

    /// <summary>Whether anything unpacked so far may have an extended attribute.</summary>
    public bool HasXattrs { get; private set; }

    /// <summary>Whether any directory unpacked so far has an attribute, which a later layer's entry of it may not have.</summary>
    private bool hasDirectoryXattrs;

    /// <summary>Sets everything on a new file; its content must be there, since writing takes a file's capabilities away.</summary>
    /// <returns>The attributes that the kernel did not take.</returns>
    public IReadOnlyList<RefusedXattr> Apply(SafeFileHandle file, TarEntry entry)
    {
        if (keepOwners) DirectoryHandle.SetOwner(file, Uid(entry), Gid(entry));
        DirectoryHandle.SetMode(file, entry.Mode & Permissions);
        var refused = new List<RefusedXattr>();
        foreach (var xattr in entry.Xattrs)
        {
            if (!IsKept(xattr.Name)) continue;
            if (Checked(FileXattrs.TrySet(file, xattr.Name, xattr.Value), xattr) is var errno and not Errno.None) refused.Add(new RefusedXattr(xattr.Name, errno));
        }

        DirectoryHandle.SetTimes(file, entry.ModifySeconds, entry.ModifyNanoseconds);
        return refused;
    }

    /// <summary>Sets everything but the time on a directory.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="entry">What.</param>
    /// <param name="isNew">Whether it was just made, and has no attributes of a lower layer's.</param>
    public void Apply(DirectoryHandle directory, TarEntry entry, bool isNew)
    {
        if (keepOwners) directory.SetOwner(Uid(entry), Gid(entry));
        directory.SetMode(entry.Mode & (Permissions | Sticky));
        if (!isNew && hasDirectoryXattrs)
        {
            foreach (var name in FileXattrs.Names(directory).Where(IsKept)) FileXattrs.Remove(directory, name);
        }

        var refused = new List<RefusedXattr>();
        foreach (var xattr in entry.Xattrs)
        {
            if (!IsKept(xattr.Name)) continue;
            hasDirectoryXattrs = true;
            if (Checked(FileXattrs.TrySet(directory, xattr.Name, xattr.Value), xattr) is var errno and not Errno.None) refused.Add(new RefusedXattr(xattr.Name, errno));
        }

        Report(entry, refused);
    }

    /// <summary>Sets everything on a symlink; the kernel gives it no attributes of those that are kept (xattr(7)).</summary>
    public void ApplyToSymlink(DirectoryHandle parent, ReadOnlySpan<byte> name, TarEntry entry)
    {
        if (keepOwners) parent.SetOwner(name, Uid(entry), Gid(entry));
        parent.SetTimes(name, entry.ModifySeconds, entry.ModifyNanoseconds);
        Report(entry, [.. entry.Xattrs.Where(xattr => IsKept(xattr.Name)).Select(xattr => new RefusedXattr(xattr.Name, Errno.EPERM))]);
    }

    /// <summary>Tells what an entry has and the rootfs has not.</summary>
    public void Report(TarEntry entry, IReadOnlyList<RefusedXattr> refused)
    {
        if (entry.Kind == TarEntryKind.File)
        {
            if ((entry.Mode & SetIdBits) != 0) report.Add(Dropped.SetUserId, EntryPath.Show(entry.Name));
            if ((entry.Mode & Sticky) != 0) report.Add(Dropped.Sticky, EntryPath.Show(entry.Name));
        }
        else if (entry.Kind == TarEntryKind.Directory && (entry.Mode & SetIdBits) != 0)
        {
            report.Add(Dropped.DirectorySetId, EntryPath.Show(entry.Name));
        }

        foreach (var xattr in entry.Xattrs)
        {
            if (!IsKept(xattr.Name)) report.Add(IsOverlay(xattr.Name) ? Dropped.OverlayXattrs : Dropped.Xattrs, Show(entry, xattr.Name));
            else if (entry.Kind != TarEntryKind.Symlink) HasXattrs = true;
        }

        foreach (var xattr in refused) report.Add(Dropped.RefusedXattrs, $"{Show(entry, xattr.Name)} ({xattr.Errno})");
    }

    /// <exception cref="InvalidImageException">The namespace has no such id.</exception>
    public static void CheckOwner(TarEntry entry)
    {
        _ = Uid(entry);
        _ = Gid(entry);
    }

    private static uint Uid(TarEntry entry) => Id(entry, entry.Uid);

    private static uint Gid(TarEntry entry) => Id(entry, entry.Gid);

    private static uint Id(TarEntry entry, long id) => id is >= 0 and <= MaxId
        ? (uint)id
        : throw new InvalidImageException($"The entry '{EntryPath.Show(entry.Name)}' belongs to the id {id}; ids up to {MaxId} can be kept.");

    /// <summary>
    /// What a user namespace may set and means the same everywhere. <c>trusted.*</c> and the rest of <c>security.*</c> are the host's to give,
    /// <c>system.*</c> holds ACLs with ids of nobody's namespace, and <c>user.overlay.*</c> would tell an overlay of ours what is hidden.
    /// </summary>
    public static bool IsKept(byte[] name) => (IsUser(name) && !IsOverlay(name)) || name.AsSpan().SequenceEqual("security.capability"u8);

    public static bool IsUser(byte[] name) => name.AsSpan().StartsWith("user."u8);

    private static bool IsOverlay(byte[] name) => name.AsSpan().StartsWith("user.overlay."u8) || name.AsSpan().StartsWith("trusted.overlay."u8);

    private static Errno Checked(Errno errno, TarXattr xattr) => errno switch
    {
        Errno.None or Errno.EPERM or Errno.EOPNOTSUPP or Errno.ENOSPC or Errno.E2BIG or Errno.ERANGE or Errno.EINVAL => errno,
        _ => throw new LinuxException("fsetxattr", NativePath.Display(xattr.Name), errno),
    };

    private static string Show(TarEntry entry, byte[] name) => $"{EntryPath.Show(entry.Name)} ({EntryPath.Show(name)})";
}

/// <summary>An extended attribute that the kernel or the file system did not take.</summary>
internal readonly record struct RefusedXattr(byte[] Name, Errno Errno);
