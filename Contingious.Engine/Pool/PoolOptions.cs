namespace Contingious.Engine.Pool;

/// <summary>How many sandboxes wait for jobs, and for how long.</summary>
public sealed record PoolOptions
{
    /// <summary>None do.</summary>
    public static PoolOptions Off { get; } = new() { Most = 0 };

    /// <summary>The most that wait at once, of all images together.</summary>
    public int Most { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>How many wait of each kind at least, as long as that kind is wanted at all: more where many are wanted at one moment, as when an exam begins.</summary>
    public int Least { get; init; } = 1;

    /// <summary>One that nobody took goes after so long, and so does what is known of how often its kind is wanted.</summary>
    public TimeSpan Expiry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether each job waits until one was made for it, and none is made else: the tests' way to have every job in one that was parked.</summary>
    internal bool OnDemand { get; init; }
}
