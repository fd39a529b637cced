using System.Diagnostics;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>
/// Feeds mutated messages to decoders, and holds them to three promises: they throw <see cref="WireException"/> and nothing else, they are done in
/// bounded time, and they allocate no more than a factor of the message.
/// </summary>
internal sealed class Fuzzer(IReadOnlyList<FuzzTarget> targets, ulong seed)
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    private readonly Mutator[] mutators = [.. targets.Select(target => new Mutator(target.Seeds))];
    private long lastSeen = -1;
    private long slowestTicks;
    private double highestFactor;
    private string slowest = "";
    private string highest = "";

    /// <summary>Cases that were no message of their kind.</summary>
    public long Refused { get; private set; }

    /// <summary>What the run has to say: how many were refused, and the worst of all.</summary>
    public string Summary => $"{Refused:N0} refused; slowest {TimeSpan.FromTicks(slowestTicks).TotalMilliseconds:0.0} ms ({slowest}); most allocated for a byte {highestFactor:0.0} ({highest})";

    /// <exception cref="Xunit.Sdk.XunitException">A case broke a promise: its number, the shortest message that still does, and how to run it again.</exception>
    public void Run(long cases)
    {
        var current = 0L;
        // A decoder that never comes back cannot be told to: the whole run ends, and says which case it was.
        using var watchdog = new Timer(_ => FailWhereStuck(ref current), null, patience, patience);
        foreach (var target in targets)
        {
            // The first use of each part allocates what is kept.
            foreach (var message in target.Seeds) target.Decode(message);
        }

        for (var number = 0L; number < cases; number++)
        {
            Volatile.Write(ref current, number);
            var which = (int)(number % targets.Count);
            var message = mutators[which].Make(new FuzzRandom(seed, number));
            if (Try(targets[which], message, count: true) is { } problem) Fail(targets[which], number, message.ToArray(), problem);
        }
    }

    private string? Try(FuzzTarget target, ReadOnlyMemory<byte> message, bool count = false)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        try
        {
            target.Decode(message);
        }
        catch (WireException)
        {
            if (count) Refused++;
        }
        catch (Exception error)
        {
            return error.GetType().Name + " at " + error.StackTrace?.Split('\n')[0].Trim();
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (count) Note(target, message.Length, elapsed, allocated);
        return allocated > target.MostAllocated + (target.Factor * message.Length) ? "it allocated too much" : null;
    }

    private void Note(FuzzTarget target, int length, TimeSpan elapsed, long allocated)
    {
        if (elapsed.Ticks > slowestTicks) (slowestTicks, slowest) = (elapsed.Ticks, $"{target.Name}, {length:N0} bytes");
        var factor = (double)allocated / Math.Max(1_024, length);
        if (factor > highestFactor) (highestFactor, highest) = (factor, $"{target.Name}, {allocated:N0} for {length:N0}");
    }

    private void Fail(FuzzTarget target, long number, byte[] message, string problem)
    {
        var least = Shorten(target, message, problem);
        Assert.Fail($"{target.Name}: {problem}. Seed {seed}, case {number}. The shortest message that does it has {least.Length} bytes: {Convert.ToHexString(least.AsSpan(0, Math.Min(least.Length, 2_000)))}");
    }

    /// <summary>Takes pieces away, smaller and smaller ones, as long as the same happens.</summary>
    private byte[] Shorten(FuzzTarget target, byte[] message, string problem)
    {
        for (var piece = message.Length / 2; piece > 0; piece /= 2)
        {
            for (var at = 0; at + piece <= message.Length;)
            {
                byte[] without = [.. message.AsSpan(0, at), .. message.AsSpan(at + piece)];
                if (Try(target, without) == problem) message = without;
                else at += piece;
            }
        }

        return message;
    }

    private void FailWhereStuck(ref long current)
    {
        var seen = Volatile.Read(ref current);
        if (seen == lastSeen) Environment.FailFast($"Fuzzing is stuck: seed {seed}, case {seen}, {targets[(int)(seen % targets.Count)].Name}.");
        lastSeen = seen;
    }
}
