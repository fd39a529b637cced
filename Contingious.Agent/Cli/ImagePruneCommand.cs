using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Splitting.Learning;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image prune</c>: what nobody names and nobody uses, and what killed imports left.</summary>
internal static class ImagePruneCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var olderThan = new Option<TimeSpan?>("--older-than")
        {
            Description = "spare what was imported within this time",
            HelpName = "DURATION",
            CustomParser = result =>
            {
                var text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
                if (TryParse(text) is { } value) return value;
                result.AddError($"--older-than: '{text}' is no time. Write it as 90m, 36h, 7d or 4w.");
                return null;
            },
        };
        var json = ReportRenderer.JsonOption();
        var command = new Command("prune", "Remove images that have no name and are not in use, layers that no image has, and what killed imports left.") { olderThan, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var (store, layout) = await ImageCommand.OpenInKeeperAsync(args, cancellation).ConfigureAwait(false);
            var report = store.Prune(parsed.GetValue(olderThan) is { } age ? TimeProvider.System.GetUtcNow() - age : null);
            var layers = new LayerStore(layout.LayersDirectory).RemoveUnreferenced(report.DiffIdsInUse);
            var staging = ImageImporter.ClearStaging(layout.StagingDirectory) + ImageImporter.ClearStaging(SplitLearner.DirectoryOf(layout));
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(new PrunedImages([.. report.Removed.Select(ListedImage.Of)], [.. report.InUse.Select(ListedImage.Of)], [.. layers.Select(layer => layer.ToString())], staging), CliJson.Default.PrunedImages));
                return;
            }

            foreach (var entry in report.Removed) Console.WriteLine($"removed {entry.Id}{(entry.Why.Length > 0 ? $" ({entry.Why})" : "")}");
            foreach (var entry in report.InUse) Console.WriteLine($"kept {entry.Id}: it is in use");
            if (layers.Count > 0) Console.WriteLine($"removed {layers.Count} layers that no image has");
            if (staging > 0) Console.WriteLine($"removed what {staging} killed imports left");
            Console.WriteLine($"{report.Removed.Count} images removed, {new ByteSize(report.Removed.Sum(entry => entry.Image?.TotalBytes ?? 0))} of files");
        });
        return command;
    }

    /// <summary>A whole number and <c>s</c>, <c>m</c>, <c>h</c>, <c>d</c> or <c>w</c>.</summary>
    private static TimeSpan? TryParse(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > 100_000) return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            'w' => TimeSpan.FromDays(7L * count),
            _ => null,
        };
    }
}

internal sealed record PrunedImages(IReadOnlyList<ListedImage> Removed, IReadOnlyList<ListedImage> InUse, IReadOnlyList<string> Layers, int KilledImports);
