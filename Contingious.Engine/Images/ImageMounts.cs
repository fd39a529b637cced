using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>An image that is mounted somewhere to be looked at.</summary>
/// <param name="Image">Its id.</param>
/// <param name="Name">What it was called when it was mounted.</param>
/// <param name="Path">Where, in the keeper's mount namespace.</param>
/// <param name="IsWritable">Whether it can be written; what is, is thrown away with the mount.</param>
public sealed record MountedImage(Digest Image, string Name, string Path, bool IsWritable);

/// <summary>
/// Images that are put together at a path: the editable tree with the read-only subtrees where a sandbox has them. All of it is in the keeper's mount namespace,
/// as is the record of it: both are gone together with the keeper.
/// </summary>
/// <remarks>The mounts themselves are what keeps an image from being removed, so nobody has to stay for that.</remarks>
public sealed class ImageMounts(HostLayout layout)
{
    private const string RecordName = "mount.json";
    private const long ScratchBytes = 1L << 30;
    private const long ScratchInodes = 1 << 20;
    private const uint OwnerOnly = 0x1C0; // 0700

    private string Directory => $"{layout.PrivateDirectory}/mounts";

    /// <summary>What is mounted now.</summary>
    public IReadOnlyList<MountedImage> List()
    {
        var mounted = MountTable.Read().Select(mount => mount.Target).ToHashSet(StringComparer.Ordinal);
        return [.. Records().Select(record => record.Mounted).Where(image => mounted.Contains(image.Path)).OrderBy(image => image.Path, StringComparer.Ordinal)];
    }

    /// <summary>Puts an image together at a path.</summary>
    /// <param name="image">The image, which is held until this is done.</param>
    /// <param name="path">An empty directory of the host; a place of its own is made where it is nothing.</param>
    /// <param name="writable">Whether a layer in memory over it takes what is written.</param>
    /// <exception cref="RejectedRequestException">There is no empty directory, or something is mounted there.</exception>
    public MountedImage Mount(Image image, string? path, bool writable)
    {
        using var alone = Alone();
        SweepRecords();
        var own = $"{Directory}/{Guid.NewGuid():N}";
        var target = path is null ? $"{own}/image" : Checked(path);
        System.IO.Directory.CreateDirectory(own, (UnixFileMode)OwnerOnly);
        var mounted = new MountedImage(image.Id, image.Names.Count > 0 ? image.Names[0].ToString() : image.Id.Short, target, writable);
        try
        {
            if (path is null) System.IO.Directory.CreateDirectory(target);
            using (var record = new FileStream($"{own}/{RecordName}", FileMode.CreateNew)) JsonSerializer.Serialize(record, mounted, MountJson.Default.MountedImage);
            if (writable) Overlay(image, target, $"{own}/scratch");
            else Bind(image, target);
            return mounted;
        }
        catch
        {
            // Checked above: nothing was mounted there before.
            Discard(own, target);
            throw;
        }
    }

    /// <summary>Takes a mounted image away, and what was written to it.</summary>
    /// <param name="what">The path, or the name or id that it was mounted by where that is at one place only.</param>
    /// <exception cref="ContingiousException">No image is mounted there by us, or it is at several places.</exception>
    public MountedImage Unmount(string what)
    {
        using var alone = Alone();
        var all = Records().Where(record => Means(record.Mounted, what)).ToList();
        switch (all.Count)
        {
            case 0:
                throw new ContingiousException($"No image is mounted as {what}. 'contingious image mount' lists those that are.");
            case 1:
                Discard(all[0].Directory, all[0].Mounted.Path);
                return all[0].Mounted;
            default:
                throw new ContingiousException($"{what} is mounted at {string.Join(" and ", all.Select(record => record.Mounted.Path))}. Name one of these paths.");
        }
    }

    private static bool Means(MountedImage mounted, string what) =>
        mounted.Path == what || (what.StartsWith('/') && mounted.Path == Path.GetFullPath(what)) || mounted.Name == what || mounted.Image.ToString() == what
        || (what.Length >= ImageStore.ShortestPrefix && mounted.Image.Hex.StartsWith(what, StringComparison.Ordinal));

    private static string Checked(string path)
    {
        var full = Path.GetFullPath(path);
        if (HostPath.TryStatus(full) is not { Kind: FileKind.Directory }) throw new RejectedRequestException("path", $"{full} is not a directory. Make an empty one first, or name none: then one is made.");
        using var directory = DirectoryHandle.Open(full);
        if (directory.Entries(1).Count > 0) throw new RejectedRequestException("path", $"{full} is not empty: what is in it would be hidden. Name an empty directory.");
        if (MountTable.Read().Any(mount => mount.Target == full)) throw new RejectedRequestException("path", $"Something is mounted at {full} already. Name another directory.");
        return full;
    }

    private static void Bind(Image image, string target)
    {
        Mounts.BindReadOnly(image.EditableDirectory, target);
        foreach (var mount in image.ReadOnlyMounts) Mounts.BindReadOnly(image.ReadOnlyDirectory + mount, RealPlace(target, mount));
    }

    /// <summary>An overlay for each part: an overlayfs does not see what is mounted below the directory that it lies over.</summary>
    private static void Overlay(Image image, string target, string scratch)
    {
        System.IO.Directory.CreateDirectory(scratch);
        Mounts.Tmpfs(scratch, ScratchBytes, ScratchInodes, "0700");
        Overlay(image.EditableDirectory, target, $"{scratch}/editable");
        for (var i = 0; i < image.ReadOnlyMounts.Count; i++)
        {
            var (from, to) = (image.ReadOnlyDirectory + image.ReadOnlyMounts[i], RealPlace(target, image.ReadOnlyMounts[i]));
            if (HostPath.TryStatus(from) is { Kind: FileKind.Directory }) Overlay(from, to, $"{scratch}/{i}");
            else Mounts.BindReadOnly(from, to);
        }
    }

    private static void Overlay(string lower, string target, string scratch)
    {
        System.IO.Directory.CreateDirectory($"{scratch}/work");
        System.IO.Directory.CreateDirectory($"{scratch}/upper");
        using (var below = DirectoryHandle.Open(lower))
        using (var upper = DirectoryHandle.Open($"{scratch}/upper"))
        {
            // The root of the whole is the upper's.
            var root = below.Status();
            upper.SetOwner(root.Uid, root.Gid);
            upper.SetMode(root.Permissions);
            upper.SetTimes(root.ModifySeconds, root.ModifyNanoseconds);
        }

        Mounts.Overlay(target, Mounts.EscapeLower(lower), $"{scratch}/upper", $"{scratch}/work");
    }

    /// <summary>A mount point in the tree that is mounted; no component of it is a link, so that nothing is mounted elsewhere.</summary>
    private static string RealPlace(string target, string mount)
    {
        using var root = DirectoryHandle.Open(target);
        root.OpenRead(System.Text.Encoding.UTF8.GetBytes(mount.TrimStart('/'))).Dispose();
        return target + mount;
    }

    private static void Discard(string own, string? target)
    {
        // With all that is mounted below it.
        if (target is not null) _ = Mounts.TryUnmount(target);
        _ = Mounts.TryUnmount($"{own}/scratch");
        using var directory = DirectoryHandle.Open(Path.GetDirectoryName(own) ?? "/");
        directory.RemoveTree(System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(own)));
    }

    /// <summary>One at a time mounts and unmounts: what is half made then was left by somebody who was killed.</summary>
    private FileLock Alone()
    {
        System.IO.Directory.CreateDirectory(Directory, (UnixFileMode)OwnerOnly);
        return FileLock.Exclusive(Directory);
    }

    /// <summary>Forgets what was taken away by other means, as by umount(8), and what a killed owner left half made.</summary>
    private void SweepRecords()
    {
        var mounted = MountTable.Read().Select(mount => mount.Target).ToHashSet(StringComparer.Ordinal);
        var live = Records().Where(record => mounted.Contains(record.Mounted.Path)).Select(record => record.Directory).ToHashSet(StringComparer.Ordinal);
        foreach (var own in System.IO.Directory.EnumerateDirectories(Directory).Where(own => !live.Contains(own)).ToList()) Discard(own, null);
    }

    private IEnumerable<(string Directory, MountedImage Mounted)> Records()
    {
        if (!System.IO.Directory.Exists(Directory)) yield break;
        foreach (var own in System.IO.Directory.EnumerateDirectories(Directory).ToList())
        {
            MountedImage? mounted;
            try
            {
                mounted = JsonSerializer.Deserialize(File.ReadAllBytes($"{own}/{RecordName}"), MountJson.Default.MountedImage);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException)
            {
                // Being made just now, or by somebody who was killed before anything was mounted.
                continue;
            }

            if (mounted is not null) yield return (own, mounted);
        }
    }
}

[JsonSerializable(typeof(MountedImage))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class MountJson : JsonSerializerContext;
