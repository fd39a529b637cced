using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Benchmarks.Jobs;

/// <summary>Our engine, and crun alone with the same bundle, in the same kept namespace.</summary>
internal sealed class JobBenchmark(HostLayout layout, string image, SampleFile samples)
{
    /// <summary>Two a second.</summary>
    private static readonly TimeSpan slow = TimeSpan.FromMilliseconds(500);

    public static async Task RunAsync(string image, string samples, int rounds)
    {
        var layout = (await AccountEntry.FindAsync(CancellationToken.None).ConfigureAwait(false)).Layout;
        await new JobBenchmark(layout, image, new SampleFile(samples)).RunAsync(rounds).ConfigureAwait(false);
    }

    private async Task RunAsync(int rounds)
    {
        var cold = await OpenAsync(PoolOptions.Off).ConfigureAwait(false);
        var bundle = await BareBundle.TakeAsync(cold, layout, image).ConfigureAwait(false);
        try
        {
            foreach (var (pace, pause) in new[] { ("2 a second", slow), ("one after another", TimeSpan.Zero) })
            {
                samples.Append(await FirstInstruction.MeasureAsync($"crun run, {pace}", rounds, pause, round => [bundle.Command(withCgroups: false, $"{round}")]).ConfigureAwait(false));
                samples.Append(await FirstInstruction.MeasureAsync($"crun run with cgroups, {pace}", rounds, pause, round => [bundle.Command(withCgroups: true, $"{round}")]).ConfigureAwait(false));
                samples.Append(await LoopAsync(cold, $"cold, {pace}", rounds, 1, pause).ConfigureAwait(false));
            }

            samples.Append([await RateAsync(round => bundle.Command(withCgroups: false, $"at-once-{round}"), rounds * 8).ConfigureAwait(false)]);
        }
        finally
        {
            bundle.Remove();
        }

        samples.Append(await LoopAsync(cold, "cold, 4 at once", rounds * 8, 4, TimeSpan.Zero).ConfigureAwait(false));

        var pooled = await OpenAsync(new PoolOptions()).ConfigureAwait(false);
        await using (pooled.ConfigureAwait(false))
        {
            // A job that no parked container serves, for the directory of the host that it mounts.
            static RunRequest Mounting(RunRequest request) => request with { Mounts = [new HostMount("/usr/share/zoneinfo", "/mnt")] };
            samples.Append(await LoopAsync(pooled, "cold with a reserved place, 2 a second", rounds, 1, slow, warm: false, Mounting).ConfigureAwait(false));
            samples.Append(await LoopAsync(pooled, "warm, 2 a second", rounds, 1, slow, warm: true).ConfigureAwait(false));
            samples.Append(await LoopAsync(pooled, "with the pool, 4 at once", rounds * 8, 4, TimeSpan.Zero).ConfigureAwait(false));
        }

        // As when a class begins: as many as the pool can hold have been parked, and all are wanted at once.
        for (var round = 0; round < 4; round++)
        {
            var full = await OpenAsync(new PoolOptions { Most = rounds, Least = rounds }).ConfigureAwait(false);
            await using (full.ConfigureAwait(false))
            {
                _ = await LoopAsync(full, "", 1, 1, TimeSpan.Zero).ConfigureAwait(false);
                while (full.Parked < rounds) await Task.Delay(20).ConfigureAwait(false);
                samples.Append(await LoopAsync(full, "warm, 4 at once", rounds - 4, 4, TimeSpan.Zero, warm: true).ConfigureAwait(false));
            }
        }
    }

    private Task<SandboxEngine> OpenAsync(PoolOptions pool) => SandboxEngine.OpenAsync(
        layout,
        EngineOptions.Default with { Pool = pool, Mounts = [new AllowedMount("/usr/share/zoneinfo", Writable: false)] },
        TimeProvider.System,
        NullLogger.Instance);

    private async Task<IEnumerable<Series>> LoopAsync(SandboxEngine engine, string name, int jobs, int atOnce, TimeSpan pause, bool? warm = null, Func<RunRequest, RunRequest>? change = null)
    {
        if (name.Length > 0 && atOnce == 1) _ = await new EngineLoop(engine, image, change).RunAsync(5, 1, pause).ConfigureAwait(false);
        var loop = new EngineLoop(engine, image, change);
        var elapsed = await loop.RunAsync(jobs, atOnce, pause).ConfigureAwait(false);
        var rate = new Series($"{name}: jobs a second");
        rate.Add(TimeSpan.FromMilliseconds(jobs / elapsed.TotalSeconds));
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{name}: {jobs / elapsed.TotalSeconds:F1} a second, {loop.Jobs.Count(job => job.Warm)} of {jobs} warm")).ConfigureAwait(false);
        return [.. loop.Series(name, warm), .. atOnce > 1 ? [rate] : Array.Empty<Series>(), .. loop.Stages.Values.Where(stage => stage.Count > 0).Select(stage => stage.Named($"{name}: stage {stage.Name}"))];
    }

    private static async Task<Series> RateAsync(Func<int, string[]> command, int runs)
    {
        var (left, watch) = (runs, System.Diagnostics.Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) is >= 0 and var round) _ = await FirstInstruction.RunAsync(command(round)).ConfigureAwait(false);
        }))).ConfigureAwait(false);
        var rate = new Series("crun run, 4 at once: jobs a second");
        rate.Add(TimeSpan.FromMilliseconds(runs / watch.Elapsed.TotalSeconds));
        return rate;
    }
}
