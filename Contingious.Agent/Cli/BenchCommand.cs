using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Agent.Configuration;
using Contingious.Agent.Measuring;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious bench</c>: what sandboxes of an image cost on this host, and what would make them cheaper.</summary>
internal static class BenchCommand
{
    private const int Fewest = 5, Most = 1000;

    public static Command Build(IReadOnlyList<string> args)
    {
        var image = new Argument<string>("image") { Description = "an imported image: a name, name:tag, sha256:… or the first 12 digits of that", HelpName = "IMAGE" };
        var words = new Argument<string[]>("command") { Description = "what each job runs, in place of true: it must end well, and soon", Arity = ArgumentArity.ZeroOrMore, HelpName = "-- COMMAND" };
        var runs = new Option<int>("--runs", "-n") { Description = "how many jobs and clones of each kind (30)", HelpName = "N", DefaultValueFactory = _ => 30 };
        var json = ReportRenderer.JsonOption();
        var command = new Command(
            "bench",
            "Measure what a sandbox of an image costs on this host: each stage of a job, in a sandbox made when it comes and in one made ahead, jobs at once, and ways to clone the image. "
            + "Takes about half a minute, in which nothing else should run.")
        {
            image, words, runs, json,
        };
        runs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < Fewest or > Most) result.AddError($"--runs: {Fewest} to {Most} is allowed.");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var config = OperatorConfig.Read(entry.Layout);
            var named = new ImageStore(entry.Layout.ImagesDirectory).Spell(parsed.GetRequiredValue(image));
            var given = parsed.GetValue(words) is { Length: > 0 } line ? line : ["true"];
            var bench = new Bench(entry.Layout, config.Engine, named, given, parsed.GetValue(runs), Console.Error.WriteLine);
            var report = await bench.RunAsync(cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, CliJson.Default.BenchReport));
            else Render(report);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Render(BenchReport report)
    {
        Console.WriteLine();
        TextTable.Write(["MILLISECONDS, MEDIAN (10 % TO 90 %)", "COLD", "WARM"], Rows(report));
        Console.WriteLine();
        TextTable.Write(["JOBS AT ONCE", "JOBS A SECOND"], report.Rates.Select(rate => new[] { Text($"{rate.AtOnce}"), Text($"{rate.JobsPerSecond:0}") }));
        Console.WriteLine();
        TextTable.Write(["CLONE", "DISK", "CONTENTS BY", "MILLISECONDS"], report.Clones.Select(clone => new[] { Name(clone.Engine), Name(clone.Disk), Name(clone.Method), Of(clone.Time) }));
        Console.WriteLine();
        foreach (var sentence in report.Advice) Console.WriteLine(sentence);
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(BenchReport report)
    {
        var (cold, warm) = (report.Cold, report.Warm);
        yield return ["in hand to started", Of(cold.ToStart), Of(warm?.ToStart)];
        yield return ["in hand to result", Of(cold.ToReport), Of(warm?.ToReport)];
        yield return ["in hand to given back", Of(cold.Whole), Of(warm?.Whole)];
        foreach (var stage in cold.Stages) yield return [$"  {stage.Stage}", Of(stage.Time), Of(warm?.Stages.FirstOrDefault(other => other.Stage == stage.Stage)?.Time)];
    }

    private static string Of(Spread? spread) => spread is null ? "" : Text($"{spread.P50:0.0} ({spread.P10:0.0} to {spread.P90:0.0})");

    private static string Name<T>(T value) => value switch
    {
        CopyMethod.Clone => "shared blocks",
        CopyMethod.CopyRange => "copy_file_range",
        CopyMethod.ReadWrite => "reads and writes",
        null => "",
        _ => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{value}"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
