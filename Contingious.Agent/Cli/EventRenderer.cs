using System.Globalization;
using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Cli;

/// <summary>Events as lines: for people, with nothing in them that a terminal obeys; or an object of JSON each.</summary>
internal static class EventRenderer
{
    private static readonly JsonWriterOptions oneLine = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.Default };

    /// <summary>Time, job, and what happened; of what a step wrote, a line for each of its lines.</summary>
    public static IEnumerable<string> ToLines(JobEvent happened)
    {
        var head = $"{happened.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)} {TerminalText.Of(happened.JobId)}/{happened.Attempt.ToString(CultureInfo.InvariantCulture)}";
        if (happened.Kind != JobEventKind.Output) return [$"{head} {Words(happened)}"];
        var text = Encoding.UTF8.GetString(happened.Data.Span);
        return text.TrimEnd('\n').Split('\n').Select(line => $"{head} {TerminalText.Of(happened.Step)} {(happened.IsStderr ? "stderr" : "stdout")}| {TerminalText.Of(line)}");
    }

    /// <summary>What happened, without output.</summary>
    public static string Words(JobEvent happened) => happened.Kind switch
    {
        JobEventKind.Accepted => "accepted",
        JobEventKind.Started => $"{TerminalText.Of(happened.Step)} started",
        JobEventKind.Step => $"{TerminalText.Of(happened.Step)} ended: {happened.Outcome}",
        JobEventKind.Finished => $"finished: {happened.Outcome}",
        JobEventKind.Output => $"{TerminalText.Of(happened.Step)} wrote {happened.Data.Length.ToString(CultureInfo.InvariantCulture)} bytes",
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened.Kind, "Not a kind of event."),
    };

    /// <summary><c>time</c>, <c>job_id</c>, <c>attempt</c>, <c>kind</c>, and as it applies <c>step</c>, <c>outcome</c>, <c>stream</c>, <c>data</c> (UTF-8, what is not is replaced).</summary>
    public static string ToJson(JobEvent happened)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, oneLine))
        {
            json.WriteStartObject();
            json.WriteString("time", happened.Time.UtcDateTime);
            json.WriteString("job_id", happened.JobId);
            json.WriteNumber("attempt", happened.Attempt);
            json.WriteString("kind", WireNames<JobEventKind>.Of(happened.Kind));
            if (happened.Step.Length > 0) json.WriteString("step", happened.Step);
            if (happened.Outcome is { } outcome) json.WriteString("outcome", outcome.ToString());
            if (happened.Kind == JobEventKind.Output)
            {
                json.WriteString("stream", happened.IsStderr ? "stderr" : "stdout");
                json.WriteString("data", Encoding.UTF8.GetString(happened.Data.Span));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
