namespace Contingious.Engine.Pool;

/// <summary>How often sandboxes of one shape are wanted: arrivals, of which older ones count less.</summary>
internal sealed class Demand(TimeProvider time)
{
    /// <summary>After so long an arrival counts 1/e.</summary>
    private static readonly TimeSpan memory = TimeSpan.FromSeconds(10);

    /// <summary>So few while one is made are none: nobody keeps a sandbox for the memory of a job.</summary>
    private const double Few = 0.05;

    private double weight;
    private long last = time.GetTimestamp();

    /// <summary>How long ago the last one came.</summary>
    public TimeSpan Idle => time.GetElapsedTime(last);

    /// <summary>Arrivals a second.</summary>
    public double Rate => weight * Math.Exp(-(Idle / memory)) / memory.TotalSeconds;

    public void Arrived()
    {
        weight = (weight * Math.Exp(-(Idle / memory))) + 1;
        last = time.GetTimestamp();
    }

    /// <summary>How many should wait: the least, and those that will be wanted while as many are made.</summary>
    /// <param name="least">How many there are to be at any time.</param>
    /// <param name="making">How long it takes to make one.</param>
    public int Wanted(int least, TimeSpan making) => least + (int)Math.Ceiling(Math.Max(0, (Rate * making.TotalSeconds) - Few));
}
