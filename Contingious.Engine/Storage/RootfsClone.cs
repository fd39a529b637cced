using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Storage;

/// <summary>
/// A job's own copy of an image's editable rootfs, on a tmpfs of its own size: what the job may write is bounded by the
/// kernel, in bytes and in files, and giving it back is one unmount.
/// </summary>
internal sealed class RootfsClone : IDisposable
{
    private const long Page = 4096;

    private readonly string directory;
    private FileSystemUse fresh;

    private RootfsClone(string directory) => this.directory = directory;

    /// <summary>The rootfs, as crun is told it.</summary>
    public string RootfsDirectory => $"{directory}/rootfs";

    /// <summary>Bytes that the job has added.</summary>
    public long UsedBytes => Math.Max(0, Mounts.UseOf(RootfsDirectory).UsedBytes - fresh.UsedBytes);

    /// <summary>Whether not one more page or not one more file fits.</summary>
    public bool IsFull
    {
        get
        {
            var use = Mounts.UseOf(RootfsDirectory);
            return use.FreeBytes < Page || use.FreeInodes < 1;
        }
    }

    /// <param name="directory">The sandbox's directory, which exists.</param>
    /// <param name="idShift">Added to every owner, so that the clone belongs to the sandbox's slice.</param>
    public static RootfsClone Create(string directory, Image image, uint idShift, Limits limits, CancellationToken cancellation)
    {
        var clone = new RootfsClone(directory);
        try
        {
            Directory.CreateDirectory(clone.RootfsDirectory);

            // The image's own part is not charged to the job.
            Mounts.Tmpfs(clone.RootfsDirectory, image.EditableBytes + limits.Disk.Bytes, image.EditableFiles + limits.Inodes + 16, "0755");
            using (var from = DirectoryHandle.Open(image.EditableDirectory))
            using (var to = DirectoryHandle.Open(clone.RootfsDirectory))
            {
                new TreeCloner(idShift, cancellation).Clone(from, to);
            }

            clone.fresh = Mounts.UseOf(clone.RootfsDirectory);
            return clone;
        }
        catch
        {
            clone.Dispose();
            throw;
        }
    }

    public DirectoryHandle Open() => DirectoryHandle.Open(RootfsDirectory);

    public void Dispose() => Discard(directory);

    /// <summary>Removes a sandbox's directory and the clone in it, also one that somebody else left behind.</summary>
    public static void Discard(string sandboxDirectory)
    {
        if (!Directory.Exists(sandboxDirectory)) return;
        _ = Mounts.TryUnmount($"{sandboxDirectory}/rootfs");
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(sandboxDirectory) ?? "/");
        parent.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(sandboxDirectory)));
    }
}
