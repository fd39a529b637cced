using System.CommandLine;
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
        var olderThan = new OlderThanOption("spare what was imported within this time");
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
}

internal sealed record PrunedImages(IReadOnlyList<ListedImage> Removed, IReadOnlyList<ListedImage> InUse, IReadOnlyList<string> Layers, int KilledImports);
