using System.Diagnostics;
using System.Globalization;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Benchmarks.Jobs;

/// <summary>Jobs of one engine, of which each says when its first instruction ran.</summary>
/// <param name="engine">What runs them.</param>
/// <param name="image">An image with /bin/first.</param>
/// <param name="change">What is another about these jobs.</param>
internal sealed class EngineLoop(SandboxEngine engine, string image, Func<RunRequest, RunRequest>? change = null)
{
    private static int next;

    private readonly Lock access = new();

    /// <summary>Of each job: whether it was warm, and three times in milliseconds.</summary>
    public List<(bool Warm, TimeSpan ToFirst, TimeSpan ToReport, TimeSpan Whole)> Jobs { get; } = [];

    public Dictionary<Stage, Series> Stages { get; } = Enum.GetValues<Stage>().ToDictionary(stage => stage, stage => new Series($"{stage}"));

    /// <summary>Runs so many, so many at once, with a pause before each.</summary>
    public async Task<TimeSpan> RunAsync(int jobs, int atOnce, TimeSpan pause)
    {
        var left = jobs;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                if (pause > TimeSpan.Zero) await Task.Delay(pause).ConfigureAwait(false);
                await OneAsync().ConfigureAwait(false);
            }
        }))).ConfigureAwait(false);
        return watch.Elapsed;
    }

    /// <summary>The times of the jobs as series: from the call to the first instruction; from there, which is all but the last one, to the report; and until the sandbox is given back.</summary>
    public IEnumerable<Series> Series(string name, bool? warm = null)
    {
        var (first, report, both, whole) = (new Series($"{name}: to the first instruction"), new Series($"{name}: from the exit to the report"), new Series($"{name}: to the report"), new Series($"{name}: until given back"));
        foreach (var job in Jobs.Where(job => warm is null || job.Warm == warm))
        {
            first.Add(job.ToFirst);
            report.Add(job.ToReport);
            both.Add(job.ToFirst + job.ToReport);
            whole.Add(job.Whole);
        }

        return [first, report, both, whole];
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
        request = change?.Invoke(request) ?? request;
        var begun = Stopwatch.GetTimestamp();
        var report = await engine.RunAsync(request, watcher, CancellationToken.None).ConfigureAwait(false);
        var ended = Stopwatch.GetTimestamp();
        if (report.Outcome != Outcome.Ok) throw new ContingiousException($"A job of the benchmark ended with {report.Outcome}: {report.Message}");
        var first = long.Parse(Encoding.ASCII.GetString(report.Steps[0].Stdout.Span), CultureInfo.InvariantCulture);
        lock (access) Jobs.Add((report.Warm, Since(first, begun), Since(watcher.At, first), Since(ended, begun)));
        foreach (var timing in report.Timings) Stages[timing.Stage].Add(timing.Elapsed);
    }

    // Both are nanoseconds of CLOCK_MONOTONIC.
    private static TimeSpan Since(long later, long earlier) => TimeSpan.FromTicks((later - earlier) / 100);

    private sealed class Watcher : IRunObserver
    {
        public long At { get; private set; }

        public void StepStarted(string step)
        {
        }

        public void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> data)
        {
        }

        public void StepEnded(StepReport report)
        {
        }

        public void Concluded(RunReport report) => At = Stopwatch.GetTimestamp();
    }
}
