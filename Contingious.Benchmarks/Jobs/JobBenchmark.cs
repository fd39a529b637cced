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

            var rate = await FirstInstruction.RateAsync(rounds * 8, 4, round => bundle.Command(withCgroups: false, $"at-once-{round}")).ConfigureAwait(false);
            samples.Append([Series.Of("crun run, 4 at once: jobs a second", rate)]);
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

        for (var round = 0; round < 5; round++) samples.Append([Series.Of("memory of 20 parked sandboxes", await MemoryOfAsync(20).ConfigureAwait(false))]);

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
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{name}: {jobs / elapsed.TotalSeconds:F1} a second, {loop.Jobs.Count(job => job.Warm)} of {jobs} warm")).ConfigureAwait(false);
        return [.. loop.Series(name, warm), .. atOnce > 1 ? [Series.Of($"{name}: jobs a second", jobs / elapsed.TotalSeconds)] : Array.Empty<Series>(), .. loop.Stages.Values.Where(stage => stage.Count > 0).Select(stage => stage.Named($"{name}: stage {stage.Name}"))];
    }

    /// <summary>By how much less memory is free with so many parked: MiB of all that they cost, the kernel's own included.</summary>
    private async Task<double> MemoryOfAsync(int parked)
    {
        var engine = await OpenAsync(new PoolOptions { Most = parked, Least = parked }).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            var without = 0L;

            // What the first sandboxes bring for good, such as what the kernel caches, is there before the second ones. It takes its time to free what is given back.
            for (var again = 0; again < 2; again++)
            {
                _ = await LoopAsync(engine, "", 1, 1, TimeSpan.Zero).ConfigureAwait(false);
                while (engine.Parked < parked) await Task.Delay(20).ConfigureAwait(false);
                await Task.Delay(slow).ConfigureAwait(false);
                if (again > 0) break;
                await engine.RestAsync().ConfigureAwait(false);
                await Task.Delay(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
                without = Available();
            }

            return (without - Available()) / 1024.0;
        }
    }

    private static long Available() =>
        long.Parse(File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
