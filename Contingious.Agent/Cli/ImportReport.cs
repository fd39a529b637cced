using System.Globalization;
using System.Text.Json;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer.Splitting;
using Contingious.Importer.Splitting.Learning;

namespace Contingious.Agent.Cli;

/// <summary>What an import says at its end: the image, and what it costs each submission.</summary>
internal sealed record ImportReport(ImageReference Name, Image Image, TimeSpan? CloneTime, IReadOnlyList<EditablePart> Largest, LearnedSplit? Learned, IReadOnlyList<string> Warnings)
{
    private const int MountsShown = 12;

    public void Print(bool json, bool quiet)
    {
        if (json) Console.WriteLine(ToJson());
        else if (quiet) Console.WriteLine(Image.Id.ToString());
        else foreach (var line in Lines()) Console.WriteLine(TerminalText.Of(line));
    }

    public IEnumerable<string> Lines()
    {
        if (Learned is { } learned)
        {
            foreach (var unsteady in learned.Unsteady) yield return $"not compared, because two runs on the whole image differ in it already: {unsteady}";
            yield return "for image.json:";
            yield return "  \"split\": [";
            for (var i = 0; i < learned.Rules.Count; i++) yield return $"    \"{JsonEncodedText.Encode(learned.Rules[i].ToString(), System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"{(i + 1 < learned.Rules.Count ? "," : "")}";
            yield return "  ]";
        }

        yield return $"{Name}: {Image.Id}";
        yield return $"  {Cut()}";
        if (CloneTime is { } took) yield return string.Create(CultureInfo.InvariantCulture, $"  making one {(Image.CloneEngine == CloneEngine.Split ? "copy" : "overlay")} took {took.TotalMilliseconds:0.#} ms");
        if (Largest.Count == 0) yield break;
        yield return $"  that is much to copy for each submission (more than {new ByteSize(EditableParts.ManyBytes)} or {EditableParts.ManyFiles} files). The largest parts:";
        foreach (var part in Largest) yield return $"    {part.Path}: {new ByteSize(part.Bytes)} in {part.Files} files; {part.Advice}";
    }

    private string Cut() => Image.CloneEngine switch
    {
        CloneEngine.Split => $"each submission copies {new ByteSize(Image.EditableBytes)} in {Image.EditableFiles} files; shared read-only: {Shown(Image.ReadOnlyMounts)}",
        CloneEngine.Overlay => "each submission has an overlay over the whole image",
        _ => throw new InvalidOperationException($"{Image.CloneEngine} is no clone engine."),
    };

    private static string Shown(IReadOnlyList<string> mounts) =>
        mounts.Count <= MountsShown ? string.Join(' ', mounts) : $"{string.Join(' ', mounts.Take(MountsShown))} and {mounts.Count - MountsShown} more";

    private string ToJson() => JsonSerializer.Serialize(
        new ImportedImage(
            Name.ToString(), Image.Id.ToString(), Image.Digest.ToString(), Image.EditableBytes, Image.EditableFiles, (long?)CloneTime?.TotalMicroseconds, Image.ReadOnlyMounts,
            [.. Largest.Select(part => new ImportedPart(part.Path, part.Bytes, part.Files, part.Advice))],
            Learned?.Rules.Select(rule => rule.ToString()).ToList(), Learned?.Unsteady, Warnings),
        CliJson.Default.ImportedImage);
}

/// <summary>The report as JSON.</summary>
/// <param name="Id">As <c>contingious images</c> shows it.</param>
/// <param name="Digest">The manifest's.</param>
/// <param name="CloneUs">How long making one copy took, in microseconds.</param>
/// <param name="Split">The rules that were learned, where they were.</param>
internal sealed record ImportedImage(
    string Name, string Id, string Digest, long EditableBytes, long EditableFiles, long? CloneUs, IReadOnlyList<string> ReadOnlyMounts,
    IReadOnlyList<ImportedPart> Largest, IReadOnlyList<string>? Split, IReadOnlyList<string>? NotCompared, IReadOnlyList<string> Warnings);

internal sealed record ImportedPart(string Path, long Bytes, long Files, string Advice);
