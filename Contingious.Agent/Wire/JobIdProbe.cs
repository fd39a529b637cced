using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Looks for the id in a message that was refused, so that its sender can be told which job it was.</summary>
internal static class JobIdProbe
{
    /// <returns>An empty id where there is none, or where the message cannot be read as far as that.</returns>
    public static (string JobId, int Attempt) Find(ReadOnlySpan<byte> message)
    {
        var jobId = "";
        var attempt = JobDecoder.DefaultAttempt;
        try
        {
            var reader = new MessagePackReader(message);
            for (var left = reader.ReadMapHeader(); left > 0; left--)
            {
                var key = reader.ReadText();
                if (key.SequenceEqual("job_id"u8) && reader.PeekKind() == MessagePackKind.Text) jobId = AsJobId(reader.ReadText());
                else if (key.SequenceEqual("attempt"u8) && reader.PeekKind() == MessagePackKind.Integer) attempt = AsAttempt(reader.ReadInt64());
                else reader.Skip();
            }
        }
        catch (WireException)
        {
            // What was found before the message broke is what there is.
        }

        return (jobId, attempt);
    }

    private static string AsJobId(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > SandboxId.MaxJobIdLength) return "";
        var text = MessagePackReader.Decode(utf8);
        return SandboxId.IsJobId(text) ? text : "";
    }

    private static int AsAttempt(long value) => value is >= 0 and <= WireFormat.MaxAttempt ? (int)value : JobDecoder.DefaultAttempt;
}
