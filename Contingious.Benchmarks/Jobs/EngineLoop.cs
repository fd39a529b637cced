using System.Diagnostics;
using System.Globalization;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Benchmarks.Jobs;

/// <summary>Jobs of one engine, of which each says when its first instruction ran.</summary>
/// <param name="engine">What runs them.</param>
/// <param name="image">An image with /bin/first.</param>
internal sealed class EngineLoop(SandboxEngine engine, string image)
{
    private static int next;

    /// <summary>From the call to the first instruction.</summary>
    public Series ToFirst { get; } = new("in hand to first instruction");

    /// <summary>From the first instruction, which is all but the last, to the report.</summary>
    public Series ToReport { get; } = new("exit to report");

    /// <summary>From the call to where the sandbox is given back.</summary>
    public Series Whole { get; } = new("whole");

    public Dictionary<Stage, Series> Stages { get; } = Enum.GetValues<Stage>().ToDictionary(stage => stage, stage => new Series($"{stage}"));

    public int Warm { get; private set; }

    /// <summary>Runs so many, so many at once, with a pause behind each.</summary>
    public async Task<TimeSpan> RunAsync(int jobs, int atOnce, TimeSpan pause)
    {
        var left = jobs;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await OneAsync().ConfigureAwait(false);
                if (pause > TimeSpan.Zero) await Task.Delay(pause).ConfigureAwait(false);
            }
        }))).ConfigureAwait(false);
        return watch.Elapsed;
    }

    private async Task OneAsync()
    {
        var request = new RunRequest
        {
            Id = SandboxId.For($"bench-{Environment.ProcessId}-{Interlocked.Increment(ref next)}", 1),
            Image = image,
            Steps = [new StepRequest { Name = "step", Args = ["/bin/first"] }],
        };
        var watcher = new Watcher();
        var begun = Stopwatch.GetTimestamp();
        var report = await engine.RunAsync(request, watcher, CancellationToken.None).ConfigureAwait(false);
        var ended = Stopwatch.GetTimestamp();
        if (report.Outcome != Outcome.Ok) throw new ContingiousException($"A job of the benchmark ended with {report.Outcome}: {report.Message}");
        var first = long.Parse(Encoding.ASCII.GetString(report.Steps[0].Stdout.Span), CultureInfo.InvariantCulture);
        ToFirst.Add(TimeSpan.FromTicks((first - begun) / 100));
        ToReport.Add(TimeSpan.FromTicks((watcher.At - first) / 100));
        Whole.Add(TimeSpan.FromTicks((ended - begun) / 100));
        if (report.Warm) Warm++;
        foreach (var timing in report.Timings) Stages[timing.Stage].Add(timing.Elapsed);
    }

    private sealed class Watcher : IRunObserver
    {
        public long At { get; private set; }

        public void StepStarted(string step)
        {
        }

        public void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> bytes)
        {
        }

        public void StepEnded(StepReport report)
        {
        }

        public void Concluded(RunReport report) => At = Stopwatch.GetTimestamp();
    }
}
