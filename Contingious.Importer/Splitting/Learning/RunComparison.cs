using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>One run of the sample command.</summary>
internal sealed record SampleRun(StepReport Step, RunTrace Trace)
{
    public string Ending => Step.Signal is { } signal
        ? string.Create(CultureInfo.InvariantCulture, $"{Step.Outcome}, signal {signal}")
        : string.Create(CultureInfo.InvariantCulture, $"{Step.Outcome}, exit code {Step.ExitCode}");
}

/// <summary>
/// Two runs on the whole image say what is the command's own; a run on the split must not differ in it. What differs between
/// the two already, such as times and process ids, says nothing.
/// </summary>
internal sealed class RunComparison
{
    private const int MostPaths = 10;
    private const int MostCauses = 3;
    private const int MostCharacters = 160;

    // What programs say of the kernel's refusals, by strerror(3).
    private static readonly (string Text, string Name)[] refusals =
    [
        ("Read-only file system", "EROFS"), ("No such file or directory", "ENOENT"), ("Permission denied", "EACCES"), ("Device or resource busy", "EBUSY"), ("Invalid cross-device link", "EXDEV"),
    ];

    private readonly List<string> differences = [];
    private readonly List<string> unsteady = [];

    private RunComparison()
    {
    }

    /// <summary>What differed on the split, a sentence each; the likely causes come last.</summary>
    public IReadOnlyList<string> Differences => differences;

    /// <summary>What was not compared, because two runs on the whole image differed in it.</summary>
    public IReadOnlyList<string> Unsteady => unsteady;

    /// <param name="first">A run on the whole image.</param>
    /// <param name="second">Another one.</param>
    /// <param name="onSplit">The run on the split.</param>
    /// <param name="split">The image as it was cut.</param>
    public static RunComparison Of(SampleRun first, SampleRun second, SampleRun onSplit, WholeImage split)
    {
        var comparison = new RunComparison();
        comparison.Compare("how it ended", first.Ending, second.Ending, onSplit.Ending);
        comparison.CompareText("standard output", first, second, onSplit, run => run.Step.Stdout);
        comparison.CompareText("standard error", first, second, onSplit, run => run.Step.Stderr);
        comparison.CompareChanges(first.Trace.Changes, second.Trace.Changes, onSplit.Trace.Changes, split);
        if (comparison.differences.Count > 0) comparison.AddCauses(first, onSplit, split);
        return comparison;
    }

    private void Compare(string what, string first, string second, string onSplit)
    {
        if (first != second) unsteady.Add(what);
        else if (first != onSplit) differences.Add($"{what}: {first} on the whole image, {onSplit} on the split");
    }

    private void CompareText(string what, SampleRun first, SampleRun second, SampleRun onSplit, Func<SampleRun, ReadOnlyMemory<byte>> text)
    {
        if (!text(first).Span.SequenceEqual(text(second).Span))
        {
            unsteady.Add(what);
            return;
        }

        if (text(first).Span.SequenceEqual(text(onSplit).Span)) return;
        var (expected, found) = (Lines(text(first)), Lines(text(onSplit)));
        var line = 0;
        while (line < expected.Length && line < found.Length && expected[line] == found[line]) line++;
        differences.Add(string.Create(CultureInfo.InvariantCulture, $"{what}, line {line + 1}: {Quoted(expected, line)} on the whole image, {Quoted(found, line)} on the split"));
    }

    private void CompareChanges(IReadOnlyDictionary<string, FileState?> first, IReadOnlyDictionary<string, FileState?> second, IReadOnlyDictionary<string, FileState?> onSplit, WholeImage split)
    {
        var paths = first.Keys.Union(second.Keys).Union(onSplit.Keys).Order(StringComparer.Ordinal).ToList();
        var steady = paths.Where(path => Same(first, second, path)).ToHashSet(StringComparer.Ordinal);
        if (steady.Count < paths.Count) unsteady.Add(string.Create(CultureInfo.InvariantCulture, $"{paths.Count - steady.Count} of the paths that it wrote, such as {PathKey.Show(paths.First(path => !steady.Contains(path)))}"));

        // Where names are not the same each time, one that is only here may be one of those.
        var namesAreSteady = first.Keys.ToHashSet(StringComparer.Ordinal).SetEquals(second.Keys);
        var wrong = paths.Where(path => steady.Contains(path) && (namesAreSteady || first.ContainsKey(path)) && !Same(first, onSplit, path)).ToList();
        foreach (var path in wrong.Take(MostPaths))
        {
            var because = split.MountOf(path) is { } mount ? $" ({PathKey.Show(mount)} is read-only there: EROFS)" : "";
            differences.Add($"{PathKey.Show(path)}: {Show(first, path)} after a run on the whole image, {Show(onSplit, path)} after one on the split{because}");
        }

        if (wrong.Count > MostPaths) differences.Add(string.Create(CultureInfo.InvariantCulture, $"and {wrong.Count - MostPaths} more paths"));
    }

    private void AddCauses(SampleRun first, SampleRun onSplit, WholeImage split)
    {
        var usual = Lines(first.Step.Stdout).Concat(Lines(first.Step.Stderr)).ToHashSet(StringComparer.Ordinal);
        var causes =
            from line in Lines(onSplit.Step.Stderr).Concat(Lines(onSplit.Step.Stdout))
            where !usual.Contains(line)
            from refusal in refusals
            where line.Contains(refusal.Text, StringComparison.OrdinalIgnoreCase)
            select $"likely cause: {refusal.Name}{At(line, split)}: {Shortened(line)}";
        differences.AddRange(causes.Distinct().Take(MostCauses));
    }

    /// <summary>The path that a message is about, where it is one that is read-only.</summary>
    private static string At(string line, WholeImage split)
    {
        var path = line.Split([' ', '\'', '"', ':', '`', '‘', '’', ','], StringSplitOptions.RemoveEmptyEntries)
            .FirstOrDefault(word => word.StartsWith('/') && word.Length > 1 && split.MountOf(PathKey.Of(word.TrimEnd('/'))) is not null);
        return path is null ? "" : $" at {Shortened(path)}";
    }

    private static bool Same(IReadOnlyDictionary<string, FileState?> left, IReadOnlyDictionary<string, FileState?> right, string path) =>
        left.ContainsKey(path) == right.ContainsKey(path) && left.GetValueOrDefault(path) == right.GetValueOrDefault(path);

    private static string Show(IReadOnlyDictionary<string, FileState?> changes, string path) => changes.TryGetValue(path, out var state) ? FileState.Show(state) : "as the image has it";

    private static string[] Lines(ReadOnlyMemory<byte> text) => Encoding.UTF8.GetString(text.Span).Split('\n');

    private static string Quoted(string[] lines, int line) => line < lines.Length ? $"'{Shortened(lines[line])}'" : "nothing more";

    private static string Shortened(string text)
    {
        var shown = NativePath.Display(Encoding.UTF8.GetBytes(text));
        return shown.Length <= MostCharacters ? shown : shown[..MostCharacters] + "…";
    }
}
