using System.Diagnostics;
using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Leftovers;

/// <summary>
/// Ends this process by SIGKILL at a moment of its jobs' lives: once all of them have come to that stage, where each
/// waits for the others, and a time after it.
/// </summary>
/// <param name="Stage">Which stage.</param>
/// <param name="Occurrence">Which time round of it, 1 for the first step's.</param>
/// <param name="Delay">How long after they have all begun it; none means right before it.</param>
internal sealed record Trap(Stage Stage, int Occurrence, TimeSpan Delay)
{
    private readonly ProcessIdentity self = ProcessIdentity.Of(Environment.ProcessId) ?? throw new InvalidOperationException("/proc does not have this process.");
    private readonly TaskCompletionSource sprung = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int arrived;

    public static Trap Parse(string text)
    {
        var words = text.Split(' ');
        return new Trap(Enum.Parse<Stage>(words[0]), int.Parse(words[1], CultureInfo.InvariantCulture), TimeSpan.FromTicks(long.Parse(words[2], CultureInfo.InvariantCulture)));
    }

    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Stage} {Occurrence} {Delay.Ticks}");

    /// <summary>What one of so many jobs is to call at each stage.</summary>
    public Action<Stage> OfJob(int jobs)
    {
        var seen = 0;
        return stage =>
        {
            if (stage != Stage || ++seen != Occurrence) return;
            if (Interlocked.Increment(ref arrived) == jobs) Spring();
            sprung.Task.GetAwaiter().GetResult();
        };
    }

    /// <summary>A job failed: the others need not wait for it.</summary>
    public void GiveUp() => sprung.TrySetResult();

    private void Spring()
    {
        if (Delay == TimeSpan.Zero) self.Signal(ProcessIdentity.SigKill);
        var begun = Stopwatch.GetTimestamp();
        new Thread(() =>
        {
            // Shorter than a timer is exact.
            while (Stopwatch.GetElapsedTime(begun) < Delay) Thread.Yield();
            self.Signal(ProcessIdentity.SigKill);
        }).Start();
        sprung.TrySetResult();
    }
}
