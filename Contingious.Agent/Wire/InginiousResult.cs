using System.Text.Json;

namespace Contingious.Agent.Wire;

/// <summary>INGInious's <c>AgentJobDone</c>.</summary>
public sealed record InginiousResult
{
    public required string JobId { get; init; }

    public required InginiousCode Code { get; init; }

    /// <summary>Shown to the student, above everything else.</summary>
    public string Text { get; init; } = "";

    /// <summary>0 to 100, where graders keep to it.</summary>
    public double Grade { get; init; }

    /// <summary>By problem, the pair of a code and a text.</summary>
    public JsonElement? Problems { get; init; }

    public JsonElement? Tests { get; init; }

    public JsonElement? Custom { get; init; }

    public string State { get; init; } = "";

    /// <summary>A tar archive, packed with gzip; nothing where the grader left none.</summary>
    public ReadOnlyMemory<byte>? Archive { get; init; }

    /// <summary>The grader's own output, of jobs with <see cref="InginiousJob.Debug"/>.</summary>
    public string? Stdout { get; init; }

    public string? Stderr { get; init; }
}

/// <summary>What became of a submission, in INGInious's words, which are these in lower case.</summary>
public enum InginiousCode
{
    Success,
    Failed,
    Timeout,
    Overflow,
    Killed,
    Crash,
    Error,
}

/// <summary>Writes <see cref="InginiousResult"/>: all fields of the class, as its reader demands.</summary>
public static class InginiousResultCodec
{
    public static ReadOnlyMemory<byte> Encode(InginiousResult result)
    {
        var writer = new MessagePackWriter();
        writer.WriteMapHeader(11);
        WriteText(writer, "@type", "AgentJobDone");
        WriteText(writer, "job_id", result.JobId);
        writer.WriteString("result");
        writer.WriteArrayHeader(2);
        writer.WriteString(WireNames<InginiousCode>.Of(result.Code));
        writer.WriteString(result.Text);
        writer.WriteString("grade");
        writer.WriteFloat(result.Grade);
        WriteMap(writer, "problems", result.Problems);
        WriteMap(writer, "tests", result.Tests);
        WriteMap(writer, "custom", result.Custom);
        WriteText(writer, "state", result.State);
        writer.WriteString("archive");
        if (result.Archive is { } archive) writer.WriteBinary(archive.Span);
        else writer.WriteNil();
        WriteText(writer, "stdout", result.Stdout);
        WriteText(writer, "stderr", result.Stderr);
        return writer.Written;
    }

    private static void WriteMap(MessagePackWriter writer, string key, JsonElement? value)
    {
        writer.WriteString(key);
        if (value is { ValueKind: JsonValueKind.Object } map) MessagePackJson.Write(writer, map);
        else writer.WriteMapHeader(0);
    }

    private static void WriteText(MessagePackWriter writer, string key, string? text)
    {
        writer.WriteString(key);
        if (text is null) writer.WriteNil();
        else writer.WriteString(text);
    }
}
