using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Agent.Measuring;

/// <summary>One job, and when it was how far.</summary>
internal sealed class BenchJob : IRunObserver
{
    private readonly long begun = TimeProvider.System.GetTimestamp();

    private BenchJob()
    {
    }

    public RunReport Report { get; private set; } = new() { Outcome = Outcome.Cancelled };

    public TimeSpan ToStart { get; private set; }

    public TimeSpan ToReport { get; private set; }

    public TimeSpan Whole { get; private set; }

    public static async Task<BenchJob> RunAsync(SandboxEngine engine, RunRequest request, CancellationToken cancellation)
    {
        var job = new BenchJob();
        job.Report = await engine.RunAsync(request, job, cancellation).ConfigureAwait(false);
        job.Whole = TimeProvider.System.GetElapsedTime(job.begun);
        return job;
    }

    /// <param name="jobs">At least one.</param>
    public static PathTimes Summary(IReadOnlyList<BenchJob> jobs) => new(
        Spread.Of(jobs.Select(job => job.ToStart)),
        Spread.Of(jobs.Select(job => job.ToReport)),
        Spread.Of(jobs.Select(job => job.Whole)),
        [.. jobs.SelectMany(job => job.Report.Timings).GroupBy(timing => timing.Stage).OrderBy(stage => stage.Key).Select(stage => new StageTimes($"{stage.Key}", Spread.Of(stage.Select(timing => timing.Elapsed))))]);

    public void StepStarted(string step) => ToStart = TimeProvider.System.GetElapsedTime(begun);

    public void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> data)
    {
    }

    public void StepEnded(StepReport report)
    {
    }

    public void Concluded(RunReport report) => ToReport = TimeProvider.System.GetElapsedTime(begun);
}
