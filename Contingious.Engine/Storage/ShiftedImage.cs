using System.Globalization;
using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>
/// A whole image, both trees in one, with its owners shifted into one slice of the subordinate ids: what an overlayfs of
/// that slice's sandboxes lies over. Made when a slice first needs it, in the image's own directory, and kept there.
/// </summary>
/// <remarks>
/// A slice is one sandbox's alone, and a sandbox makes its clones one after another, so nobody else makes or uses the same
/// copy at the same time; the lease of the image keeps the image's directory where it is.
/// </remarks>
internal static class ShiftedImage
{
    private const string FolderName = "shifted";
    private const string UnfinishedSuffix = ".new";

    /// <summary>The copy's path; it is made where it is not there yet.</summary>
    public static string Ensure(Image image, uint firstId, CancellationToken cancellation)
    {
        var folder = $"{Path.GetDirectoryName(image.EditableDirectory)}/{FolderName}";
        Directory.CreateDirectory(folder, (UnixFileMode)0x1C0 /* 0700 */);

        // As the host numbers them: a later keeper may map the same slice elsewhere.
        var name = string.Create(CultureInfo.InvariantCulture, $"{IdMap.ToOutside(IdMap.OwnUids(), firstId)}-{IdMap.ToOutside(IdMap.OwnGids(), firstId)}");
        using var shifted = DirectoryHandle.Open(folder);
        if (shifted.TryStatus(Bytes(name)) is not null) return $"{folder}/{name}";

        // What a killed one left half made is made anew.
        var unfinished = Bytes($".{name}{UnfinishedSuffix}");
        shifted.RemoveTree(unfinished);
        shifted.CreateDirectory(unfinished, 0x1C0 /* 0700 */);
        using (var target = shifted.OpenDirectory(unfinished)) Copy(image, target, firstId, cancellation);

        // A name on disk ahead of what it names would be trusted for ever.
        shifted.SyncFileSystem();
        shifted.Rename(unfinished, shifted, Bytes(name));
        return $"{folder}/{name}";
    }

    /// <summary>Removes the copies that killed owners left half made, of whatever image. A slice that is held is somebody's who may be at it.</summary>
    public static void RemoveUnfinished(HostLayout layout)
    {
        foreach (var path in Unfinished(layout))
        {
            // A slice's lock and a copy's name both begin with the host's number of its first uid.
            var slice = Path.GetFileName(path).TrimStart('.').Split('-')[0];
            using var unused = FileLock.TryClaim($"{layout.SlicesDirectory}/{slice}");
            if (unused is null) continue;
            try
            {
                using var folder = DirectoryHandle.Open(Path.GetDirectoryName(path) ?? "/");
                folder.RemoveTree(Bytes(Path.GetFileName(path)));
            }
            catch (LinuxException error) when (error.Errno == Errno.ENOENT)
            {
                // Removed with its image meanwhile.
            }
        }
    }

    /// <summary>The copies that are being made, or that a killed owner left.</summary>
    public static IEnumerable<string> Unfinished(HostLayout layout) =>
        !Directory.Exists(layout.ImagesDirectory) ? [] : Directory.EnumerateDirectories(layout.ImagesDirectory, "sha256-*").SelectMany(image => UnfinishedOf($"{image}/{FolderName}"));

    private static List<string> UnfinishedOf(string folder)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(folder, $".*{UnfinishedSuffix}")];
        }
        catch (DirectoryNotFoundException)
        {
            // None was made yet, or the image is being removed.
            return [];
        }
    }

    private static void Copy(Image image, DirectoryHandle target, uint firstId, CancellationToken cancellation)
    {
        // Made once for a slice, so it is looked at whole: what the image tells of attributes is of its editable tree only.
        var methods = new CopyMethods();
        using (var editable = DirectoryHandle.Open(image.EditableDirectory)) new TreeCloner(firstId, copiesXattrs: true, cancellation, methods).Clone(editable, target);
        using var readOnly = DirectoryHandle.Open(image.ReadOnlyDirectory);
        foreach (var file in image.ReadOnlyFiles) CopyFile(readOnly, target, file, firstId, methods, cancellation);
        foreach (var mount in image.ReadOnlyMounts.Except(image.ReadOnlyFiles))
        {
            using var from = readOnly.OpenDirectory(mount.TrimStart('/'));
            using var to = target.OpenDirectory(mount.TrimStart('/'));
            new TreeCloner(firstId, copiesXattrs: true, cancellation, methods).Clone(from, to);
            var status = from.Status();
            to.SetTimes(status.ModifySeconds, status.ModifyNanoseconds);
        }
    }

    private static void CopyFile(DirectoryHandle readOnly, DirectoryHandle target, string path, uint firstId, CopyMethods methods, CancellationToken cancellation)
    {
        var slash = path.LastIndexOf('/');
        var directory = slash == 0 ? "." : path[1..slash];
        using var from = readOnly.OpenDirectory(directory);
        using var to = target.OpenDirectory(directory);
        var before = to.Status();
        to.RemoveFile(Bytes(path[(slash + 1)..]));
        new TreeCloner(firstId, copiesXattrs: true, cancellation, methods).CloneFile(from, to, Bytes(path[(slash + 1)..]));
        to.SetTimes(before.ModifySeconds, before.ModifyNanoseconds);
    }

    private static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);
}
