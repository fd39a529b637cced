using System.Diagnostics;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Measuring;

/// <summary>Measures jobs of an image on this host, with its operator's settings, inside the keeper.</summary>
/// <param name="layout">The account's directories.</param>
/// <param name="options">What jobs of this host have.</param>
/// <param name="image">The image, as the operator named it.</param>
/// <param name="command">What each job runs: something that ends at once, with 0.</param>
/// <param name="runs">How many jobs and clones of each kind.</param>
/// <param name="progress">Told what is being measured.</param>
internal sealed class Bench(HostLayout layout, EngineOptions options, string image, IReadOnlyList<string> command, int runs, Action<string> progress)
{
    /// <summary>Before what is counted: code is compiled, and caches are filled.</summary>
    private const int WarmUp = 5;

    /// <summary>Jobs at once are counted for so long.</summary>
    private static readonly TimeSpan span = TimeSpan.FromSeconds(2);

    /// <summary>A sandbox is made ahead in much less.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    private static int next;

    /// <exception cref="ContingiousException">A job did not end well, or the host is not ready.</exception>
    public async Task<BenchReport> RunAsync(CancellationToken cancellation)
    {
        var cold = await ColdAsync(cancellation).ConfigureAwait(false);
        var pooled = await OpenAsync(options.Pool).ConfigureAwait(false);
        await using (pooled.ConfigureAwait(false))
        {
            var warm = options.Pool.Most == 0 ? null : await WarmAsync(pooled, cancellation).ConfigureAwait(false);
            var rates = new List<Rate>();
            foreach (var atOnce in new[] { 1, Environment.ProcessorCount, 2 * Environment.ProcessorCount }.Distinct())
            {
                rates.Add(await RateAsync(pooled, atOnce, cancellation).ConfigureAwait(false));
            }

            await pooled.RestAsync().ConfigureAwait(false);
            var (clones, advice) = Clones(cold, warm, rates, cancellation);
            return new BenchReport(image, command, cold, warm, rates, clones, advice);
        }
    }

    private Task<SandboxEngine> OpenAsync(PoolOptions pool) => SandboxEngine.OpenAsync(layout, options with { Pool = pool }, TimeProvider.System, NullLogger.Instance);

    private async Task<PathTimes> ColdAsync(CancellationToken cancellation)
    {
        progress($"{runs} jobs one after another, each in a sandbox that is made when it comes");
        var engine = await OpenAsync(PoolOptions.Off).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            if (engine.List() is { Count: > 0 } live) progress($"{live.Count} sandboxes are live: what they do makes this host look slower than it is");
            for (var i = 0; i < WarmUp; i++) await RunAsync(engine, cancellation).ConfigureAwait(false);
            var jobs = new List<BenchJob>();
            while (jobs.Count < runs) jobs.Add(await RunAsync(engine, cancellation).ConfigureAwait(false));
            return BenchJob.Summary(jobs);
        }
    }

    private async Task<PathTimes?> WarmAsync(SandboxEngine engine, CancellationToken cancellation)
    {
        progress($"{runs} jobs, each in a sandbox that was made ahead");
        var jobs = new List<BenchJob>();
        for (var i = 0; i < WarmUp + (2 * runs) && jobs.Count < runs; i++)
        {
            var job = await RunAsync(engine, cancellation).ConfigureAwait(false);
            if (job.Report.Warm && i >= WarmUp) jobs.Add(job);

            // One of this image, and one for any job.
            for (var waited = Stopwatch.StartNew(); engine.Parked < Math.Min(2, options.Pool.Most); await Task.Delay(5, cancellation).ConfigureAwait(false))
            {
                if (waited.Elapsed > patience) return null;
            }
        }

        return jobs.Count == 0 ? null : BenchJob.Summary(jobs);
    }

    private async Task<Rate> RateAsync(SandboxEngine engine, int atOnce, CancellationToken cancellation)
    {
        progress($"jobs for {span.TotalSeconds} seconds, {atOnce} at once");
        var (ended, watch) = (0, Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(
            async () =>
            {
                while (watch.Elapsed < span)
                {
                    await RunAsync(engine, cancellation).ConfigureAwait(false);
                    Interlocked.Increment(ref ended);
                }
            },
            cancellation))).ConfigureAwait(false);
        return new Rate(atOnce, Math.Round(ended / watch.Elapsed.TotalSeconds, 1));
    }

    private (IReadOnlyList<CloneTimes> Clones, IReadOnlyList<string> Advice) Clones(PathTimes cold, PathTimes? warm, IReadOnlyList<Rate> rates, CancellationToken cancellation)
    {
        progress("clones of its editable part");
        using var lease = new ImageStore(options.ImagesDirectory ?? layout.ImagesDirectory).Lease(image);
        var trial = new CloneTrial(layout, lease.Image, TimeProvider.System);
        var clones = new List<CloneTimes>();
        foreach (var (engine, disk) in new[] { (CloneEngine.Split, DiskBackend.Tmpfs), (CloneEngine.Split, DiskBackend.Watched), (CloneEngine.Overlay, DiskBackend.Tmpfs) })
        {
            try
            {
                var made = trial.Measure(engine, new DiskPolicy { Backend = disk }, runs, cancellation);
                clones.Add(new CloneTimes(made.Engine, made.Disk, lease.Image.EditableBytes > 0 ? made.Method : null, Spread.Of(made.Times)));
            }
            catch (Exception error) when (error is ContingiousException or IOException)
            {
                progress($"{engine} on {disk}: {error.Message}");
            }
        }

        return (clones, Advice.Of(lease.Image, options, cold, warm, rates, clones));
    }

    private async Task<BenchJob> RunAsync(SandboxEngine engine, CancellationToken cancellation)
    {
        var request = new RunRequest
        {
            Id = SandboxId.For($"bench-{Environment.ProcessId}-{Interlocked.Increment(ref next)}", 1),
            Image = image,
            Steps = [new StepRequest { Name = "step", Args = command }],
        };
        var job = await BenchJob.RunAsync(engine, request, cancellation).ConfigureAwait(false);
        if (job.Report.Outcome == Outcome.Ok) return job;
        throw new ContingiousException($"A job ended with {job.Report.Outcome}: {job.Report.Message} Name a command of the image that ends well, and soon, as in: contingious bench {image} -- /bin/true");
    }
}
