using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Host.Checks;

/// <summary>Free space for images and clones, and on what the files of jobs can lie.</summary>
internal static class DiskCheck
{
    private const string Check = "disk";

    public static IEnumerable<Finding> Run(Examined host)
    {
        if (host.Account is not { } account || host.Root.TryStatus(new HostLayout(account).StateDirectory) is null) yield break;
        var path = new HostLayout(account).StateDirectory;
        var free = new ByteSize(new DriveInfo(host.Root.At(path)).AvailableFreeSpace);
        yield return free < host.LeastFreeSpace
            ? Finding.Warning(Check, $"{path} has {free} free; less than {host.LeastFreeSpace} is soon full.", $"sudo du -sh {host.Root.At(new HostLayout(account).ImagesDirectory)}/*, and remove the images that no task uses")
            : Finding.Ok(Check, $"{path} has {free} free.");
        yield return BackEnds(host, new HostLayout(account));
    }

    private static Finding BackEnds(Examined host, HostLayout layout)
    {
        var tmpfs = $"Jobs of up to {DiskPolicy.Default.TmpfsAtMost} lie on a tmpfs";
        if (host.Root.TryStatus(layout.DiskSlotsDirectory) is not { Kind: FileKind.Symlink })
        {
            return Finding.Ok(Check, $"{tmpfs}; larger ones in watched directories, whose limit is not strict: no disk slots are provisioned here.");
        }

        var slots = host.Root.At(layout.DiskSlotsDirectory);
        var inForce = Directory.Exists(slots) ? SlotDisk.InForce(slots).ToList() : [];
        return inForce.Count > 0
            ? Finding.Ok(Check, $"{tmpfs}; larger ones in one of {inForce.Count} disk slots of {new ByteSize(inForce.Min(slot => slot.Size.UsedBytes + slot.Size.FreeBytes))}, or else in watched directories.")
            : Finding.Warning(Check, $"{tmpfs}; the disk slots behind {layout.DiskSlotsDirectory} are not there or not held to a size, so larger jobs lie in watched directories, whose limit is not strict.", "mount their file system with the option prjquota, then contingious keeper stop");
    }
}
