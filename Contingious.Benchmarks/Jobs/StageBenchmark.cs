using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Benchmarks.Jobs;

/// <summary>Where the time of a job goes.</summary>
internal static class StageBenchmark
{
    public static async Task RunAsync(string image, int rounds, TextWriter output)
    {
        var layout = (await AccountEntry.FindAsync(CancellationToken.None).ConfigureAwait(false)).Layout;
        foreach (var (name, pool) in new[] { ("cold", PoolOptions.Off), ("warm", new PoolOptions()) })
        {
            foreach (var (pace, atOnce, pause, jobs) in new[] { ("2 a second", 1, 500, rounds), ("one after another", 1, 0, rounds * 3), ("4 at once", 4, 0, rounds * 6) })
            {
                var engine = await SandboxEngine.OpenAsync(layout, EngineOptions.Default with { Pool = pool }, TimeProvider.System, NullLogger.Instance).ConfigureAwait(false);
                await using var opened = engine.ConfigureAwait(false);
                await new EngineLoop(engine, image).RunAsync(20, 1, TimeSpan.FromMilliseconds(pause > 0 ? 50 : 0)).ConfigureAwait(false);
                var loop = new EngineLoop(engine, image);
                var elapsed = await loop.RunAsync(jobs, atOnce, TimeSpan.FromMilliseconds(pause)).ConfigureAwait(false);
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"\n{name}, {pace}: {jobs / elapsed.TotalSeconds:F1}/s, {loop.Warm} warm of {jobs}")).ConfigureAwait(false);
                foreach (var series in new[] { loop.ToFirst, loop.ToReport, loop.Whole }.Concat(loop.Stages.Values).Where(series => series.Count > 0))
                {
                    await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {series.Name,-30} p50 {series.Median,7:F2}  p25 {series.At(0.25),7:F2}  p75 {series.At(0.75),7:F2}  p99 {series.At(0.99),7:F2}")).ConfigureAwait(false);
                }
            }
        }
    }
}
