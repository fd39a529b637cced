namespace Contingious.Engine.Sandboxes;

/// <summary>How often a running step is looked at: seldom while its limits are far, often near them.</summary>
internal static class Watchdog
{
    private static readonly TimeSpan shortest = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan longest = TimeSpan.FromMilliseconds(50);

    /// <param name="cpuTimeLeft">Until the CPU limit; it can be used up <paramref name="cpus"/> times as fast as time passes.</param>
    /// <param name="wallTimeLeft">Until the wall-clock limit.</param>
    /// <param name="cpus">CPUs' worth of bandwidth that the step has.</param>
    public static TimeSpan Pause(TimeSpan cpuTimeLeft, TimeSpan wallTimeLeft, double cpus)
    {
        var soonest = TimeSpan.FromTicks(Math.Min((long)(cpuTimeLeft.Ticks / Math.Max(cpus, 1)), wallTimeLeft.Ticks));
        return soonest < shortest ? shortest : soonest > longest ? longest : soonest;
    }
}
