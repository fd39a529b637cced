using System.Security.Cryptography;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;

namespace Contingious.Engine.Storage;

/// <summary>Clones an image once, as each sandbox does, and takes the time.</summary>
public static class CloneTrial
{
    private const long Large = 64 << 20;

    /// <summary>How long making a rootfs of the image took, on the disk that a job with the default limits gets.</summary>
    /// <param name="layout">The account's directories; the caller is inside its keeper.</param>
    /// <param name="store">Where the image is.</param>
    /// <param name="image">The image.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ContingiousException">No disk or slice of ids is to be had at the moment.</exception>
    public static TimeSpan Measure(HostLayout layout, ImageStore store, Image image, TimeProvider time, CancellationToken cancellation)
    {
        using var lease = store.Lease(image.Id.ToString());
        var id = SandboxId.For($"import-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}", 1);

        // Named and locked as a sandbox is, so that whatever a killed one leaves is swept as a sandbox's.
        using var hold = FileLock.TryClaim($"{layout.LocksDirectory}/{id}") ?? throw new ContingiousException($"{id} is in use.");
        var directory = $"{layout.SandboxesDirectory}/{id}";
        try
        {
            using var slice = IdSlice.Lease(layout);
            Directory.CreateDirectory(directory);
            using var disk = JobDisk.Create(layout, directory, DiskPolicy.Default, Limits.Default.Disk, Limits.Default.Inodes, new ByteSize(lease.Image.EditableBytes));

            // The first one pays for this process's warming up, and for an overlay's copy of the image. In a large one that is nothing.
            if (lease.Image.CloneEngine == CloneEngine.Overlay || lease.Image.EditableBytes < Large) RootfsClone.Create(layout, disk, directory, "rootfs-0", lease.Image, slice.FirstId, cancellation).Dispose();
            var started = time.GetTimestamp();
            using var clone = RootfsClone.Create(layout, disk, directory, "rootfs-1", lease.Image, slice.FirstId, cancellation);
            return time.GetElapsedTime(started);
        }
        finally
        {
            JobDisk.Discard(layout, directory);
            File.Delete($"{layout.LocksDirectory}/{id}");
        }
    }
}
