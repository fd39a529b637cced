using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image inspect</c>: all that is recorded of one image.</summary>
internal static class ImageInspectCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var image = ImageCommand.Image();
        var json = ReportRenderer.JsonOption();
        var command = new Command("inspect", "Show all that is recorded of an image.") { image, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var store = await ImageCommand.OpenAsync(args, cancellation).ConfigureAwait(false);
            var entry = store.Find(parsed.GetRequiredValue(image));
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(InspectedImage.Of(entry, store.DirectoryOf(entry.Id)), CliJson.Default.InspectedImage));
            else foreach (var (head, value) in Lines(entry, store.DirectoryOf(entry.Id))) Console.WriteLine($"{head,-14} {TerminalText.Of(value)}");
        });
        return command;
    }

    private static IEnumerable<(string Head, string Value)> Lines(StoreEntry entry, string directory)
    {
        yield return ("id", entry.Id.ToString());
        yield return ("names", string.Join(", ", entry.Names));
        yield return ("state", entry.Why.Length > 0 ? $"{ListedImage.StateOf(entry)}: {entry.Why}" : ListedImage.StateOf(entry));
        yield return ("directory", directory);
        if (entry.Image is not { } image) yield break;
        yield return ("manifest", image.Digest.ToString());
        yield return ("config", image.ConfigDigest.ToString());
        foreach (var layer in image.DiffIds) yield return ("layer", layer.ToString());
        yield return ("platform", image.Platform);
        yield return ("source", image.Source);
        yield return ("imported", string.Create(CultureInfo.InvariantCulture, $"{image.ImportedAt:yyyy-MM-dd HH:mm:ss} UTC, by version {image.ImporterVersion}"));
        yield return ("size", new ByteSize(image.TotalBytes).ToString());
        yield return ("editable", string.Create(CultureInfo.InvariantCulture, $"{new ByteSize(image.EditableBytes)} in {image.EditableFiles} files"));
        yield return ("clone engine", JsonNamingPolicy.CamelCase.ConvertName(image.CloneEngine.ToString()));
        foreach (var rule in image.SplitRules) yield return ("rule", rule);
        yield return ("read-only", string.Join(" ", image.ReadOnlyMounts));
        yield return ("entrypoint", Words(image.Config.Entrypoint));
        yield return ("cmd", Words(image.Config.Cmd));
        foreach (var (name, value) in image.Config.Env) yield return ("env", Shown($"{name}={value}"));
        yield return ("user", Shown(image.Config.User ?? ""));
        yield return ("workdir", Shown(image.Config.WorkingDir));
        if (image.Config.Volumes.Count > 0) yield return ("volumes", Words(image.Config.Volumes));
        foreach (var (name, value) in image.Config.Labels) yield return ("label", Shown($"{name}={value}"));
    }

    private static string Words(IReadOnlyList<string> words) => string.Join(" ", words.Select(Shown));

    /// <summary>An image's own words never reach a terminal as they are.</summary>
    private static string Shown(string text) => Engine.Linux.NativePath.Display(System.Text.Encoding.UTF8.GetBytes(text));
}

internal sealed record InspectedImage(
    string Id,
    IReadOnlyList<string> Names,
    string State,
    string Why,
    string Directory,
    string? Digest,
    string? ConfigDigest,
    IReadOnlyList<string>? DiffIds,
    string? Platform,
    string? Source,
    DateTimeOffset? ImportedAt,
    string? ImporterVersion,
    int? Revision,
    string? TreesDigest,
    long? TotalBytes,
    long? EditableBytes,
    long? EditableFiles,
    string? CloneEngine,
    IReadOnlyList<string>? SplitRules,
    IReadOnlyList<string>? ReadOnlyMounts,
    ImageConfig? Config)
{
    public static InspectedImage Of(StoreEntry entry, string directory)
    {
        var image = entry.Image;
        return new InspectedImage(
            entry.Id.ToString(), [.. entry.Names.Select(name => name.ToString())], ListedImage.StateOf(entry), entry.Why, directory, image?.Digest.ToString(), image?.ConfigDigest.ToString(),
            image?.DiffIds.Select(layer => layer.ToString()).ToList(), image?.Platform, image?.Source, image?.ImportedAt, image?.ImporterVersion, image?.Revision, image?.Trees.ToString(),
            image?.TotalBytes, image?.EditableBytes, image?.EditableFiles, image is null ? null : JsonNamingPolicy.CamelCase.ConvertName(image.CloneEngine.ToString()), image?.SplitRules, image?.ReadOnlyMounts, image?.Config);
    }
}
