using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Importer.Layers;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Gives the editable tree files of its own: those that it shares with the layer store, or through a hard link with the read-only tree, are
/// copied. Hard links within the editable tree stay so. The read-only tree goes on sharing, since nothing writes it.
/// </summary>
/// <param name="editable">The editable tree.</param>
/// <param name="readOnly">The read-only tree, after the cut.</param>
/// <param name="scratch">An empty directory on their file system.</param>
/// <param name="unpacked">What is known of the rootfs before the cut.</param>
/// <param name="warnings">Links that are cut are told here.</param>
internal sealed class Unsharing(DirectoryHandle editable, DirectoryHandle readOnly, DirectoryHandle scratch, UnpackedRootfs unpacked, ICollection<string> warnings)
{
    private const int Named = 3;

    /// <summary>Files with more than one name of the image that were met in the editable tree, by the inode that they had.</summary>
    private readonly InodeSet linked = new();
    private bool hasUserXattrs;

    private static ReadOnlySpan<byte> Fresh => "fresh"u8;

    /// <summary>Copies what is shared.</summary>
    /// <returns>Whether anything in the editable tree has an extended attribute of <c>user.*</c>.</returns>
    public bool Run(CancellationToken cancellation)
    {
        Unshare(editable, cancellation);
        scratch.RemoveContents();
        if (linked.Count > 0) WarnOfCutLinks();
        return hasUserXattrs;
    }

    private void Unshare(DirectoryHandle directory, CancellationToken cancellation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var (before, isChanged) = (directory.Status(), false);
        if (unpacked.HasXattrs) NoteXattrs(FileXattrs.Names(directory));
        // A rename over a name changes that name's entry, and adds none to the listing.
        using var listing = directory.List();
        while (listing.Next() is { } name)
        {
            cancellation.ThrowIfCancellationRequested();
            if (directory.TryStatus(name) is not { } status) continue;
            if (status.Kind == FileKind.Directory)
            {
                using var below = directory.OpenDirectory(name);
                Unshare(below, cancellation);
            }
            else if (status.Kind == FileKind.Regular && (status.LinkCount > 1 || linked.Contains(status.Inode)))
            {
                // The last of a file's names is its only one by now.
                Replace(directory, name, status);
                isChanged = true;
            }
            else if (status.Kind == FileKind.Regular && unpacked.HasXattrs)
            {
                using var file = directory.OpenRead(name);
                NoteXattrs(FileXattrs.Names(file));
            }
        }

        if (isChanged) directory.SetTimes(before.ModifySeconds, before.ModifyNanoseconds);
    }

    private void Replace(DirectoryHandle directory, byte[] name, FileStatus status)
    {
        if (!unpacked.LinkedInodes.Contains(status.Inode))
        {
            Copy(directory, name, status);
        }
        else
        {
            // The copy's first name is the number of what it is a copy of: the next link is found by it.
            var number = Encoding.ASCII.GetBytes(status.Inode.ToString(CultureInfo.InvariantCulture));
            if (linked.Add(status.Inode))
            {
                Copy(directory, name, status);
                scratch.CreateHardLink(scratch, Fresh, number);
            }
            else
            {
                scratch.CreateHardLink(scratch, number, Fresh);
            }
        }

        scratch.Rename(Fresh, directory, name);
    }

    private void Copy(DirectoryHandle directory, byte[] name, FileStatus status)
    {
        using var source = directory.OpenRead(name);
        using var target = scratch.CreateFile(Fresh, 0x180 /* 0600 */);
        FileContent.Copy(source, target, status);
        if (status.Uid != 0 || status.Gid != 0) DirectoryHandle.SetOwner(target, status.Uid, status.Gid);
        DirectoryHandle.SetMode(target, status.Permissions);
        if (unpacked.HasXattrs)
        {
            var names = FileXattrs.Names(source);
            NoteXattrs(names);
            foreach (var xattr in names.Where(EntryAttributes.IsKept))
            {
                if (FileXattrs.TryGet(source, xattr) is not { } value) continue;
                if (FileXattrs.TrySet(target, xattr, value) is var errno and not Errno.None) throw new LinuxException("fsetxattr", NativePath.Display(xattr), errno);
            }
        }

        DirectoryHandle.SetTimes(target, status.ModifySeconds, status.ModifyNanoseconds);
    }

    private void NoteXattrs(IReadOnlyList<byte[]> names) => hasUserXattrs |= names.Any(EntryAttributes.IsUser);

    private void WarnOfCutLinks()
    {
        var (cut, names) = (new InodeSet(), new List<string>());
        Find(readOnly, "");
        if (cut.Count == 0) return;
        warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{cut.Count} files with names in both the editable and the read-only part are two files now: {string.Join(", ", names)}{(cut.Count > Named ? ", …" : "")}"));

        void Find(DirectoryHandle directory, string path)
        {
            using var listing = directory.List();
            while (listing.Next() is { } name)
            {
                if (directory.TryStatus(name) is not { } status) continue;
                if (status.Kind == FileKind.Directory)
                {
                    using var below = directory.OpenDirectory(name);
                    Find(below, $"{path}/{NativePath.Display(name)}");
                }
                else if (status.Kind == FileKind.Regular && linked.Contains(status.Inode) && cut.Add(status.Inode) && names.Count < Named)
                {
                    names.Add($"{path}/{NativePath.Display(name)}");
                }
            }
        }
    }
}
