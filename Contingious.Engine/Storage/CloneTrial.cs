using System.Security.Cryptography;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;

namespace Contingious.Engine.Storage;

/// <summary>Clones an image as each sandbox does, and takes the time.</summary>
/// <param name="layout">The account's directories; the caller is inside its keeper.</param>
/// <param name="image">The image, on which somebody has a lease.</param>
/// <param name="time">The clock.</param>
public sealed class CloneTrial(HostLayout layout, Image image, TimeProvider time)
{
    private const long Large = 64 << 20;

    /// <summary>No more of one kind of clone than can be made in this time, and at least one.</summary>
    private static readonly TimeSpan most = TimeSpan.FromSeconds(3);

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
        return new CloneTrial(layout, lease.Image, time).Measure(lease.Image.CloneEngine, DiskPolicy.Default, 1, cancellation).Times[0];
    }

    /// <summary>Makes a rootfs of the image again and again.</summary>
    /// <param name="engine">How; it need not be the image's own way.</param>
    /// <param name="policy">On which disk.</param>
    /// <param name="rounds">How often, after once to warm up; fewer where it takes long.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ContingiousException">No disk or slice of ids is to be had at the moment.</exception>
    public CloneMeasurement Measure(CloneEngine engine, DiskPolicy policy, int rounds, CancellationToken cancellation)
    {
        var id = SandboxId.For($"clone-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}", 1);

        // Named and locked as a sandbox is, so that whatever a killed one leaves is swept as a sandbox's.
        using var hold = FileLock.TryClaim($"{layout.LocksDirectory}/{id}") ?? throw new ContingiousException($"{id} is in use.");
        var directory = $"{layout.SandboxesDirectory}/{id}";
        try
        {
            using var slice = IdSlice.Lease(layout);
            Directory.CreateDirectory(directory);
            using var disk = JobDisk.Create(layout, directory, policy, Limits.Default.Disk, Limits.Default.Inodes, new ByteSize(image.EditableBytes));
            var methods = new CopyMethods();
            TimeSpan Once(string name)
            {
                var started = time.GetTimestamp();
                if (engine == CloneEngine.Overlay && image.CloneEngine != CloneEngine.Overlay)
                {
                    Overlay($"{disk.Directory}/{name}");
                    return time.GetElapsedTime(started);
                }

                using var clone = RootfsClone.Create(layout, disk, directory, name, image with { CloneEngine = engine }, slice.FirstId, cancellation, methods);
                return time.GetElapsedTime(started);
            }

            // The first one pays for this process's warming up, and for an overlay's copy of the image. In a large one that is nothing.
            if (rounds > 1 || engine == CloneEngine.Overlay || image.EditableBytes < Large) _ = Once("rootfs-0");
            var (times, begun) = (new List<TimeSpan>(), time.GetTimestamp());
            while (times.Count == 0 || (times.Count < rounds && time.GetElapsedTime(begun) < most)) times.Add(Once($"rootfs-{times.Count + 1}"));
            return new CloneMeasurement(engine, disk.Backend, engine == CloneEngine.Split ? methods.Best : null, times);
        }
        finally
        {
            JobDisk.Discard(layout, directory);
            File.Delete($"{layout.LocksDirectory}/{id}");
        }
    }

    // An overlay of this image needs a copy of the whole of it for every slice of ids. That is made once and kept, so what each sandbox pays is the mount.
    private void Overlay(string directory)
    {
        foreach (var part in new[] { "whole", "upper", "work" }) Directory.CreateDirectory($"{directory}/{part}");
        Mounts.Overlay($"{directory}/whole", Mounts.EscapeLower(image.EditableDirectory), $"{directory}/upper", $"{directory}/work");
        Mounts.TryUnmount($"{directory}/whole");
    }
}

/// <summary>What a kind of clone took.</summary>
/// <param name="Engine">How it was made.</param>
/// <param name="Disk">Where.</param>
/// <param name="Method">How the contents of files came there; nothing where none was copied.</param>
/// <param name="Times">Of each.</param>
public sealed record CloneMeasurement(CloneEngine Engine, DiskBackend Disk, CopyMethod? Method, IReadOnlyList<TimeSpan> Times);
