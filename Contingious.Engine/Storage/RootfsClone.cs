using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Storage;

/// <summary>A sandbox's own rootfs of an image, on its job's disk. What the image itself brings is not charged to the job.</summary>
internal sealed class RootfsClone : IDisposable
{
    private const long Page = 4096;

    /// <summary>An upper and a work directory with what overlayfs makes in it.</summary>
    private const int OverlayInodes = 8;

    private const string UpperName = "upper";

    private readonly JobDisk disk;
    private readonly string onDisk;
    private readonly CloneEngine engine;
    private (long Bytes, long Inodes) allowed;
    private bool isGivenBack;

    private RootfsClone(JobDisk disk, string sandboxDirectory, string name, CloneEngine engine)
    {
        this.disk = disk;
        this.engine = engine;
        onDisk = $"{disk.Directory}/{name}";
        RootfsDirectory = DirectoryOf(sandboxDirectory, name, engine);
    }

    /// <summary>The rootfs, as crun is told it.</summary>
    public string RootfsDirectory { get; }

    /// <summary>What is written to the rootfs lies here: in the rootfs itself, or in the overlay's upper directory.</summary>
    public string WrittenDirectory => engine == CloneEngine.Overlay ? $"{onDisk}/{UpperName}" : RootfsDirectory;

    /// <summary>The container paths where the image's read-only tree must be bound over its rootfs.</summary>
    public static IReadOnlyList<string> ReadOnlyMountsOf(Image image) => image.CloneEngine == CloneEngine.Split ? image.ReadOnlyMounts : [];

    /// <summary>Those of <see cref="ReadOnlyMountsOf"/> that are files.</summary>
    public static IReadOnlyList<string> ReadOnlyFilesOf(Image image) => image.CloneEngine == CloneEngine.Split ? image.ReadOnlyFiles : [];

    /// <summary>Where a rootfs of that name is, or will be.</summary>
    public static string DirectoryOf(string sandboxDirectory, string name, CloneEngine engine) =>
        engine == CloneEngine.Split ? $"{JobDisk.DirectoryOf(sandboxDirectory)}/{name}" : $"{sandboxDirectory}/{name}";

    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="disk">The job's disk.</param>
    /// <param name="sandboxDirectory">The sandbox's directory, which exists.</param>
    /// <param name="name">The rootfs's name, one for each of a job's, such as <c>rootfs-0</c>.</param>
    /// <param name="image">The image, which is held.</param>
    /// <param name="firstId">Added to every owner, so that the clone belongs to the sandbox's slice.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <param name="methods">Where somebody wants to know how the content came there.</param>
    public static RootfsClone Create(HostLayout layout, JobDisk disk, string sandboxDirectory, string name, Image image, uint firstId, CancellationToken cancellation, CopyMethods? methods = null)
    {
        var engine = image.CloneEngine;
        var clone = new RootfsClone(disk, sandboxDirectory, name, engine);
        try
        {
            var before = disk.Occupied();
            var (bytes, inodes) = engine == CloneEngine.Split ? (image.EditableBytes, image.EditableFiles + 1) : (0, OverlayInodes);

            // A directory takes a block of its own everywhere but on a tmpfs.
            clone.Allow(disk.Backend == DiskBackend.Tmpfs ? bytes : bytes + (inodes * Page), inodes);
            switch (engine)
            {
                case CloneEngine.Split:
                    clone.Copy(image, firstId, methods, cancellation);
                    break;
                case CloneEngine.Overlay:
                    clone.Overlay(ShiftedImage.Ensure(image, firstId, cancellation));
                    break;
                default:
                    throw new InvalidOperationException($"{engine} is no clone engine.");
            }

            var after = disk.Occupied();
            Telemetry.Cloned(after.UsedBytes - before.UsedBytes);
            clone.Allow(after.UsedBytes - before.UsedBytes - clone.allowed.Bytes, after.UsedInodes - before.UsedInodes - clone.allowed.Inodes);
            return clone;
        }
        catch
        {
            clone.Dispose();
            throw;
        }
    }

    public DirectoryHandle Open() => DirectoryHandle.Open(RootfsDirectory);

    /// <summary>Puts something of ours into the clone that is not charged to the job.</summary>
    /// <param name="bytes">What it takes at the most.</param>
    /// <param name="inodes">As <paramref name="bytes"/>, files and directories.</param>
    /// <param name="work">What puts it there.</param>
    public void Add(long bytes, long inodes, Action work)
    {
        var before = disk.Occupied();
        Allow(bytes, inodes);
        try
        {
            work();
        }
        finally
        {
            var after = disk.Occupied();
            Allow(after.UsedBytes - before.UsedBytes - bytes, after.UsedInodes - before.UsedInodes - inodes);
        }
    }

    /// <summary>Takes the clone away while the disk stays, and with it what it was allowed.</summary>
    public void Dispose()
    {
        if (isGivenBack) return;
        isGivenBack = true;
        if (engine == CloneEngine.Overlay)
        {
            _ = Mounts.TryUnmount(RootfsDirectory);
            Remove(RootfsDirectory);
        }

        Remove(onDisk);
        Allow(-allowed.Bytes, -allowed.Inodes);
    }

    private void Copy(Image image, uint firstId, CopyMethods? methods, CancellationToken cancellation)
    {
        Directory.CreateDirectory(onDisk);
        using var from = DirectoryHandle.Open(image.EditableDirectory);
        using var to = DirectoryHandle.Open(onDisk);
        new TreeCloner(firstId, image.EditableXattrs, cancellation, methods).Clone(from, to);
    }

    private void Overlay(string lower)
    {
        Directory.CreateDirectory(RootfsDirectory);
        using (var disk = DirectoryHandle.Open(this.disk.Directory)) disk.CreateDirectory(Encoding.UTF8.GetBytes(Path.GetFileName(onDisk)), 0x1C0 /* 0700 */);
        using var own = DirectoryHandle.Open(onDisk);
        own.CreateDirectory("work"u8, 0x1C0 /* 0700 */);
        own.CreateDirectory(Encoding.UTF8.GetBytes(UpperName), 0x1C0 /* 0700 */);
        using (var below = DirectoryHandle.Open(lower))
        using (var upper = own.OpenDirectory(UpperName))
        {
            // The root of the whole is the upper's.
            var root = below.Status();
            upper.SetOwner(root.Uid, root.Gid);
            upper.SetMode(root.Permissions);
        }

        Mounts.Overlay(RootfsDirectory, lower, WrittenDirectory, $"{onDisk}/work");
    }

    private void Allow(long bytes, long inodes)
    {
        disk.Allow(bytes, inodes);
        allowed = (allowed.Bytes + bytes, allowed.Inodes + inodes);
    }

    private static void Remove(string directory)
    {
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(directory) ?? "/");
        parent.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(directory)));
    }
}
