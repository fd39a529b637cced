using Contingious.Engine.Linux;
namespace Contingious.Engine.Host.Checks;

/// <summary>Swap that is not counted lets a submission use more memory than its limit.</summary>
internal static class SwapCheck
{
    private const string Check = "swap";

    public static IEnumerable<Finding> Run(Examined host)
    {
        const int heading = 1;
        if (host.Root.Lines("/proc/swaps").Count <= heading)
        {
            yield return Finding.Ok(Check, "The host has no swap.");
            yield break;
        }

        yield return Counts(host) switch
        {
            true => Finding.Ok(Check, "The host's swap is counted by cgroups."),
            false => Finding.Warning(Check, "The host swaps and its cgroups do not count it: a submission can use more memory than its limit.", "sudo swapoff -a, or boot with swapaccount=1"),
            null => Finding.Notice(Check, "The host swaps; whether its cgroups count it shows once there are some.", host.Setup),
        };
    }

    private static bool? Counts(Examined host)
    {
        var mounts = CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo"));
        if (mounts.HierarchyOf("memory") is { } memory) return host.Root.TryStatus($"{memory.Path}/memory.memsw.limit_in_bytes") is not null;
        if (mounts.Unified is not { } unified) return null;

        // The root of v2 has no limits: any child with a memory controller tells.
        var children = Directory.EnumerateDirectories(host.Root.At(unified.Path)).Where(child => File.Exists(Path.Combine(child, "memory.max"))).ToList();
        return children.Count == 0 ? null : children.Exists(child => File.Exists(Path.Combine(child, "memory.swap.max")));
    }
}
