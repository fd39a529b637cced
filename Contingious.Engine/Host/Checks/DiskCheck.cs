using Contingious.Engine.Model;

namespace Contingious.Engine.Host.Checks;

/// <summary>Free space for images and clones.</summary>
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
    }
}
