using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>Directories of the host that a job's containers see: only what the operator allowed, and only as a place that no link leads out of.</summary>
internal static class HostDirectories
{
    /// <summary>Shows a directory of the host at a place from which the container's own root can bind it.</summary>
    /// <param name="allowed">What the operator allows.</param>
    /// <param name="mount">What the job asks for.</param>
    /// <param name="place">Made for it, in the sandbox's directory.</param>
    /// <param name="field">Where in the request it stands.</param>
    /// <exception cref="RejectedRequestException">It is not allowed, or not there.</exception>
    public static BindMount Bind(IReadOnlyList<AllowedMount> allowed, HostMount mount, string place, string field)
    {
        var source = RootfsSplit.Normalize(mount.Source) ?? throw new RejectedRequestException($"{field}.source", $"'{mount.Source}' is not an absolute path without '..'.");
        var target = RootfsSplit.Normalize(mount.Target) ?? throw new RejectedRequestException($"{field}.target", $"'{mount.Target}' is not an absolute path without '..'.");
        if (target == "/" || IsOurs(target)) throw new RejectedRequestException($"{field}.target", $"{target} is the sandbox's own. Name another path.");
        var rule = allowed.Where(rule => source == rule.Path || source.StartsWith($"{rule.Path.TrimEnd('/')}/", StringComparison.Ordinal)).MaxBy(rule => rule.Path.Length)
            ?? throw new RejectedRequestException($"{field}.source", $"{source} is not among the directories that this host's operator allows to be mounted ({(allowed.Count == 0 ? "there are none" : string.Join(", ", allowed.Select(rule => rule.Path)))}).");
        if (mount.Writable && !rule.Writable) throw new RejectedRequestException($"{field}.writable", $"This host's operator allows {rule.Path} to be mounted read-only.");
        try
        {
            using var root = DirectoryHandle.Open("/");
            root.OpenDirectory(source.TrimStart('/')).Dispose();
        }
        catch (LinuxException error)
        {
            throw new RejectedRequestException($"{field}.source", $"{source} is no directory of this host that can be reached without a link ({error.Message}).");
        }

        Directory.CreateDirectory(place);
        Mounts.Bind(source, place);
        return new BindMount(place, target, mount.Writable ? "rw" : "ro", "nosuid", "nodev");
    }

    private static bool IsOurs(string target) =>
        RuntimeSpec.OwnMountPoints.Concat([RootfsSplit.ToolsMount, RootfsSplit.SharedMount, "/sys", "/etc"]).Any(own => target == own || target.StartsWith($"{own}/", StringComparison.Ordinal));
}
