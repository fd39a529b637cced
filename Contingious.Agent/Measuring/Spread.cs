namespace Contingious.Agent.Measuring;

/// <summary>How long something took, over several times; milliseconds.</summary>
/// <param name="P50">The median.</param>
/// <param name="P10">A tenth took no longer than this.</param>
/// <param name="P90">A tenth took at least as long as this.</param>
/// <param name="Runs">How often.</param>
internal sealed record Spread(double P50, double P10, double P90, int Runs)
{
    /// <param name="times">At least one.</param>
    public static Spread Of(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Select(time => time.TotalMilliseconds).Order().ToList();
        double At(double share) => Math.Round(sorted[(int)Math.Round(share * (sorted.Count - 1))], 3);
        return new Spread(At(0.5), At(0.1), At(0.9), sorted.Count);
    }
}
