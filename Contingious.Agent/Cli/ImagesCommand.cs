using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious images</c>: what is imported here.</summary>
internal static class ImagesCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var json = ReportRenderer.JsonOption();
        var command = new Command("images", "List the imported images.") { json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            entry.BecomeAccount(args);
            var images = new ImageStore(entry.Layout.ImagesDirectory).List();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(
                    images.Select(image => new ListedImage([.. image.Names.Select(name => name.ToString())], image.Digest.ToString(), image.EditableBytes, image.EditableFiles, image.ReadOnlyMounts, image.Config.Volumes, image.Source, image.ImportedAt)).ToList(),
                    CliJson.Default.ListListedImage));
                return;
            }

            TextTable.Write(["NAME", "DIGEST", "EDITABLE", "FILES", "IMPORTED"], images.Select(image => new[]
            {
                image.Names.Count > 0 ? string.Join(", ", image.Names) : "<none>", image.Digest.Hex[..12], new ByteSize(image.EditableBytes).ToString(),
                image.EditableFiles.ToString(CultureInfo.InvariantCulture), image.ImportedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
            }));
        });
        return command;
    }
}

internal sealed record ListedImage(
    IReadOnlyList<string> Names, string Digest, long EditableBytes, long EditableFiles, IReadOnlyList<string> ReadOnlyMounts, IReadOnlyList<string> Volumes, string Source, DateTimeOffset ImportedAt);
