namespace Contingious.Engine.Host.Checks;

/// <summary>Where the kernel sends the memory of a program that crashed (core(5)).</summary>
internal static class CoreDumpCheck
{
    private const string Check = "core dumps";

    public static IEnumerable<Finding> Run(Examined host)
    {
        var pattern = host.Root.TryRead("/proc/sys/kernel/core_pattern")?.Trim() ?? "";

        // The limit of a process on its core does not hold for a pipe, so each crash of a submission costs the host a process of root's.
        yield return pattern.StartsWith('|')
            ? Finding.Notice(Check, $"Each crash of a submission starts a program on the host ({pattern.TrimStart('|').Split(' ')[0]}).", "sudo sysctl -w kernel.core_pattern=core")
            : Finding.Ok(Check, "A crash of a submission starts nothing on the host.");
    }
}
