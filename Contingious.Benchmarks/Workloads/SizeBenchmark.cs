using Contingious.Benchmarks.Jobs;
using Contingious.Engine;
using Contingious.Engine.Host;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Benchmarks.Workloads;

/// <summary>Cold jobs of images that differ in the size of their read-only part alone, in turns, each to its first instruction. Inside the keeper.</summary>
internal static class SizeBenchmark
{
    public const string NamePrefix = "read-only part of ";
    public const string Part = ": to the first instruction";
    private const int Warming = 3;

    /// <param name="samples">Where samples go.</param>
    /// <param name="rounds">How often each.</param>
    /// <param name="images">Images with /bin/first, by what the report calls their size; the smallest first.</param>
    public static async Task RunAsync(string samples, int rounds, IReadOnlyList<(string Size, string Name)> images)
    {
        var layout = (await AccountEntry.FindAsync(CancellationToken.None).ConfigureAwait(false)).Layout;
        var engine = await SandboxEngine.OpenAsync(layout, EngineOptions.Default, TimeProvider.System, NullLogger.Instance).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            foreach (var (_, name) in images) _ = await new EngineLoop(engine, name).RunAsync(Warming, 1, TimeSpan.Zero).ConfigureAwait(false);
            var loops = images.Select(image => (image.Size, Loop: new EngineLoop(engine, image.Name))).ToList();
            for (var round = 0; round < rounds; round++)
            {
                // Another one is first in each round.
                for (var turn = 0; turn < loops.Count; turn++) _ = await loops[(round + turn) % loops.Count].Loop.RunAsync(1, 1, TimeSpan.Zero).ConfigureAwait(false);
            }

            new SampleFile(samples).Append(loops.SelectMany(loop => loop.Loop.Series($"{NamePrefix}{loop.Size}")));
        }
    }
}
