using System.Globalization;
using System.Text;

namespace Contingious.Benchmarks.Jobs;

/// <summary>What a run of the job benchmark says, as tables, and as a plot.</summary>
internal sealed class JobReport(IReadOnlyDictionary<string, Series> series)
{
    private const string ToFirst = "to the first instruction";
    private const string Slow = "2 a second";

    private static readonly string[] ways =
    [
        $"crun run, {Slow}", $"crun run with cgroups, {Slow}", "crun run, one after another", "crun run with cgroups, one after another",
        $"cold, {Slow}", "cold, one after another", "cold, 4 at once", $"cold with a reserved place, {Slow}", $"warm, {Slow}", "warm, 4 at once", "isolate", "podman, root", "podman, rootless",
    ];

    public void Write(TextWriter output)
    {
        output.WriteLine("| in hand → first instruction, ms | p50 | p25–p75 | p99 | runs |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var way in ways) Row(output, way, Find($"{way}: {ToFirst}"));
        output.WriteLine();
        output.WriteLine("| afterwards, ms | p50 | p25–p75 | p99 | runs |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var way in new[] { $"cold, {Slow}", $"warm, {Slow}", "warm, 4 at once" })
        {
            Row(output, $"{way}: exit → report", Find($"{way}: from the exit to the report"));
            Row(output, $"{way}: in hand → sandbox given back", Find($"{way}: until given back"));
        }

        foreach (var way in new[] { $"crun run, {Slow}", "isolate", "podman, root", "podman, rootless" }) Row(output, $"{way}: the whole command", Find($"{way}: whole"));
        Row(output, $"{ExecBenchmark.Ours} … true: the whole command", Find(ExecBenchmark.Ours));
        Row(output, $"{ExecBenchmark.Bare} … true: the whole command", Find(ExecBenchmark.Bare));
        output.WriteLine();
        WriteFigures(output);
    }

    /// <summary>Every sample as a dot, on a logarithmic scale.</summary>
    public string Plot() => SvgPlot.Dots("In hand → first instruction", "ms", [.. ways.Select(way => (way, Find($"{way}: {ToFirst}"))).Where(row => row.Item2 is not null).Select(row => row.Item2!.Named(row.way))]);

    private void WriteFigures(TextWriter output)
    {
        var bare = Find($"crun run, {Slow}: {ToFirst}");
        output.WriteLine("| figure | must | aim | here |");
        output.WriteLine("| --- | ---: | ---: | ---: |");
        Figure("warm job, in hand → first instruction ÷ `crun run`, 2 a second, p50", "≤ 0.4", "≤ 0.15", Ratio($"warm, {Slow}: {ToFirst}", bare, 0.5));
        Figure("the same, p99 ÷ p99", "≤ 0.4", "≤ 0.15", Ratio($"warm, {Slow}: {ToFirst}", bare, 0.99));
        Figure("warm jobs 4 at once ÷ `crun run` one after another, p50", "≤ 0.4", "≤ 0.15", Ratio($"warm, 4 at once: {ToFirst}", Find($"crun run, one after another: {ToFirst}"), 0.5));
        Figure("cold job, in hand → first instruction ÷ `crun run`, 2 a second", "≤ 1.5", "≤ 1.1", Ratio($"cold, {Slow}: {ToFirst}", bare, 0.5));
        Figure("the same ÷ `crun run` with cgroups", "≤ 1.5", "≤ 1.1", Ratio($"cold, {Slow}: {ToFirst}", Find($"crun run with cgroups, {Slow}: {ToFirst}"), 0.5));
        Figure("the same, of an agent, which has a place reserved ÷ `crun run`", "≤ 1.5", "≤ 1.1", Ratio($"cold with a reserved place, {Slow}: {ToFirst}", bare, 0.5));
        Figure("the same, one after another", "≤ 1.5", "≤ 1.1", Ratio($"cold, one after another: {ToFirst}", Find($"crun run, one after another: {ToFirst}"), 0.5));
        Figure("step's exit → report ÷ `crun run`", "≤ 0.3", "≤ 0.1", Ratio($"warm, {Slow}: from the exit to the report", bare, 0.5));
        Figure("`podman run` (root, crun, overlay) ÷ our cold run, one after another, to the report", "≥ 5", "≥ 10", Ratio("podman, root: whole", Find("cold, one after another: to the report"), 0.5));
        Figure("`podman run` ÷ our warm run, to the report", "≥ 20", "≥ 60", Ratio("podman, root: whole", Find($"warm, {Slow}: to the report"), 0.5));
        Figure("isolate's init, run and cleanup ÷ our warm job, to the report", "≥ 1", "≥ 3", Ratio("isolate: whole", Find($"warm, {Slow}: to the report"), 0.5));
        Figure("the same ÷ our warm job until its sandbox is given back", "≥ 1", "≥ 3", Ratio("isolate: whole", Find($"warm, {Slow}: until given back"), 0.5));
        Figure("hello-world jobs a second, engine alone", "≥ 80", "≥ 140", Value("cold, 4 at once: jobs a second"));
        Figure("the same with the pool", "", "", Value("with the pool, 4 at once: jobs a second"));
        Figure("`crun run` alone, 4 at once, a second", "", "", Value("crun run, 4 at once: jobs a second"));
        Figure("podman, root, 4 at once, a second", "", "", Value("podman, root, 4 at once: jobs a second"));
        Figure("`contingious exec ID -- true` ÷ `nsenter … crun exec`", "≤ 5", "≤ 3", Ratio(ExecBenchmark.Ours, Find(ExecBenchmark.Bare), 0.5));
        Figure("memory of 20 parked sandboxes in all, MiB", "≤ 50", "≤ 20", Value("memory of 20 parked sandboxes"));

        void Figure(string name, string must, string aim, string here) => output.WriteLine($"| {name} | {must} | {aim} | {here} |");
    }

    private string Value(string name) => Find(name) is { } found ? Text(found.Median) : "–";

    private string Ratio(string name, Series? by, double part) => Find(name) is { } found && by is not null ? string.Create(CultureInfo.InvariantCulture, $"{found.At(part) / by.At(part):F2}") : "–";

    private Series? Find(string name) => series.GetValueOrDefault(name);

    private static void Row(TextWriter output, string name, Series? of)
    {
        if (of is not null) output.WriteLine($"| {name} | {Text(of.Median)} | {Text(of.At(0.25))}–{Text(of.At(0.75))} | {Text(of.At(0.99))} | {of.Count} |");
    }

    private static string Text(double value) => value.ToString(value < 10 ? "F2" : "F1", CultureInfo.InvariantCulture);
}
