namespace Contingious.Tests.Work.Simulation;

/// <summary>
/// A world on one thread: its time, its chance, and what takes a while in it. With the same seed the same happens. Continuations run where
/// they become ready, which needs that nobody else's scheduler or context is there.
/// </summary>
internal sealed class FakeWorld(int seed)
{
    public ManualTime Time { get; } = new();

    public Random Random { get; } = new(seed);

    /// <summary>Runs a test in a world of its own, on a thread without a context.</summary>
    public static void Run(int seed, Action<FakeWorld> test)
    {
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    test(new FakeWorld(seed));
                }
                catch (Exception error)
                {
                    failure = error;
                }
            },
            maxStackSize: 16 << 20);
        thread.Start();
        thread.Join();
        if (failure is not null) throw new InvalidOperationException($"seed {seed}: {failure.Message}", failure);
    }

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(double leastSeconds, double mostSeconds) => TimeSpan.FromSeconds(leastSeconds + (Random.NextDouble() * (mostSeconds - leastSeconds)));

    /// <summary>What the network or a disk takes: mostly little, now and then long.</summary>
    public TimeSpan Latency() => Chance(0.95) ? Between(0, 0.02) : Between(0, 2);
}
