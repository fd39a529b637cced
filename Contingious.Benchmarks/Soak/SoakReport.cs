using System.Globalization;

namespace Contingious.Benchmarks.Soak;

/// <summary>Writes the tables of results/soak.md.</summary>
internal sealed class SoakReport(TextWriter report)
{
    public async Task WriteAsync(IReadOnlyList<Finished> together, IReadOnlyList<Finished> alone, TimeSpan elapsed, int slots, int atOnce, MemoryCurve memory)
    {
        await WriteLineAsync($"{together.Count:N0} jobs in {elapsed.TotalSeconds:0.0} s: **{together.Count / elapsed.TotalSeconds:0.0} jobs a second**, with {slots} slots and {atOnce} jobs posted at once.\n").ConfigureAwait(false);
        await WriteLineAsync($"| from post to result, ms | p50 | p90 | p99 | slowest |\n| --- | ---: | ---: | ---: | ---: |").ConfigureAwait(false);
        await WriteRowAsync($"{atOnce} at once", [.. together.Select(job => job.Elapsed)]).ConfigureAwait(false);
        await WriteRowAsync("one at a time", [.. alone.Select(job => job.Elapsed)]).ConfigureAwait(false);
        await WriteRowAsync("of that, in the engine's stages", [.. alone.Select(job => job.InSandbox)]).ConfigureAwait(false);
        await WriteLineAsync($"\n| anonymous memory, MiB | at the start | at 25 % | at 50 % | at 75 % | at the end | most | growth in the second half, bytes a job |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |").ConfigureAwait(false);
        foreach (var looks in memory.Looks.GroupBy(look => look.Kind))
        {
            var all = looks.ToArray();
            var at = Enumerable.Range(0, 5).Select(quarter => MiB(all[(all.Length - 1) * quarter / 4].Bytes));
            await WriteLineAsync($"| {looks.Key} | {string.Join(" | ", at)} | {MiB(all.Max(look => look.Bytes))} | {memory.SlopeOf(looks.Key):0} |").ConfigureAwait(false);
        }
    }

    /// <param name="rates">Jobs and containers a second, with so many at once.</param>
    public async Task WriteRatesAsync(IReadOnlyList<(int AtOnce, double Jobs, double Podman)> rates)
    {
        if (rates.Count == 0) return;
        await WriteLineAsync($"\n| a second, with so many at once | jobs through the broker | `podman run` (root, crun, overlay, cgroups) in a loop | times as many |\n| --- | ---: | ---: | ---: |").ConfigureAwait(false);
        foreach (var (atOnce, jobs, podman) in rates) await WriteLineAsync($"| {atOnce} | {jobs:0.0} | {podman:0.00} | **{jobs / podman:0.0}** |").ConfigureAwait(false);
    }

    public async Task WriteResidentAsync(IReadOnlyDictionary<string, long> idle, IReadOnlyDictionary<string, long> after, int jobs)
    {
        await WriteLineAsync($"\n| memory, MiB, with a part of what it shares (Pss) | idle, after the first job | idle, after {jobs:N0} jobs |\n| --- | ---: | ---: |").ConfigureAwait(false);
        foreach (var (kind, bytes) in idle) await WriteLineAsync($"| {kind} | {MiB(bytes)} | {MiB(after[kind])} |").ConfigureAwait(false);
    }

    private Task WriteRowAsync(string name, TimeSpan[] times)
    {
        Array.Sort(times);
        return WriteLineAsync($"| {name} | {At(times, 50)} | {At(times, 90)} | {At(times, 99)} | {At(times, 100)} |");
    }

    private static string At(TimeSpan[] sorted, int percent) =>
        sorted[Math.Clamp(((sorted.Length * percent) + 99) / 100, 1, sorted.Length) - 1].TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);

    private static string MiB(long bytes) => (bytes / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture);

    private Task WriteLineAsync(FormattableString line) => report.WriteLineAsync(FormattableString.Invariant(line));
}
