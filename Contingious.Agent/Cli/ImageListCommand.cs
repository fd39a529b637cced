using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious images</c> and <c>contingious image ls</c>: what is imported here.</summary>
internal static class ImageListCommand
{
    public static Command Build(IReadOnlyList<string> args, string name)
    {
        var json = ReportRenderer.JsonOption();
        var command = new Command(name, "List the imported images.") { json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            entry.BecomeAccount(args);
            var entries = new ImageStore(entry.Layout.ImagesDirectory).Entries();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(entries.Select(ListedImage.Of).ToList(), CliJson.Default.ListListedImage));
                return;
            }

            TextTable.Write(["NAME", "ID", "SIZE", "EDITABLE", "FILES", "IMPORTED"], entries.Select(Row));
        });
        return command;
    }

    private static IReadOnlyList<string> Row(StoreEntry entry)
    {
        var name = entry.Names.Count > 0 ? string.Join(", ", entry.Names) : "<none>";
        if (entry.Image is not { } image) return [name, entry.Id.Short, "-", "-", "-", $"{ListedImage.StateOf(entry)}: {entry.Why}"];
        return
        [
            name, entry.Id.Short, new ByteSize(image.TotalBytes).ToString(), new ByteSize(image.EditableBytes).ToString(),
            image.EditableFiles.ToString(CultureInfo.InvariantCulture), image.ImportedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
        ];
    }
}

/// <summary>A line of the list as JSON; what only a whole image has is nothing where it is none.</summary>
internal sealed record ListedImage(
    IReadOnlyList<string> Names,
    string Id,
    string State,
    string Why,
    string? Digest,
    long? TotalBytes,
    long? EditableBytes,
    long? EditableFiles,
    IReadOnlyList<string>? ReadOnlyMounts,
    IReadOnlyList<string>? Volumes,
    string? Source,
    DateTimeOffset? ImportedAt)
{
    public static ListedImage Of(StoreEntry entry) => new(
        [.. entry.Names.Select(name => name.ToString())], entry.Id.ToString(), StateOf(entry), entry.Why, entry.Image?.Digest.ToString(), entry.Image?.TotalBytes, entry.Image?.EditableBytes,
        entry.Image?.EditableFiles, entry.Image?.ReadOnlyMounts, entry.Image?.Config.Volumes, entry.Image?.Source, entry.Image?.ImportedAt);

    public static string StateOf(StoreEntry entry) => entry.Fault switch
    {
        StoreFault.None => "ok",
        StoreFault.Outdated => "outdated",
        StoreFault.Damaged => "damaged",
        StoreFault.Missing => "missing",
        _ => throw new InvalidOperationException($"{entry.Fault} is no state of an image."),
    };
}
