using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Control messages as docs/wire.md describes them. A message of a kind that is not known here is none.</summary>
public static class ControlMessageCodec
{
    /// <summary>A larger one is refused unread.</summary>
    public const int MaxBytes = 4 * 1024;

    private static readonly MapKeys keys = new(["v", "kind"], ["job_id", "attempt"]);

    public static ReadOnlyMemory<byte> Encode(ControlMessage message)
    {
        var writer = new MessagePackWriter();
        var hasJob = message.JobId.Length > 0;
        writer.WriteMapHeader(hasJob ? 4 : 2);
        writer.WriteString("v");
        writer.WriteInteger(WireFormat.Version);
        writer.WriteString("kind");
        writer.WriteString(WireNames<ControlKind>.Of(message.Kind));
        if (!hasJob) return writer.Written;
        writer.WriteString("job_id");
        writer.WriteString(message.JobId);
        writer.WriteString("attempt");
        if (message.Attempt is { } attempt) writer.WriteInteger(attempt);
        else writer.WriteNil();
        return writer.Written;
    }

    /// <exception cref="WireException">It is no control message.</exception>
    public static ControlMessage Decode(ReadOnlyMemory<byte> body)
    {
        if (body.Length > MaxBytes) throw new WireException($"The message has {body.Length:N0} bytes; {MaxBytes:N0} are allowed.");
        var reader = new WireReader(body, new FieldPath());
        ControlKind? kind = null;
        var jobId = "";
        int? attempt = null;
        var map = reader.BeginMap(keys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "v": reader.ReadVersion(); break;
                case "kind": kind = WireNames<ControlKind>.Find(reader.ReadString()); break;
                case "job_id":
                    jobId = reader.ReadString();
                    reader.Refuse(SandboxId.IsJobId(jobId) ? null : SandboxId.JobIdRule);
                    break;
                case "attempt": attempt = (int)reader.ReadInt64(0, WireFormat.MaxAttempt); break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the message.");
        reader.Require(kind is not null, "It is of no kind that is known.");
        reader.Require(kind != ControlKind.Cancel || jobId.Length > 0, "It names no job.");
        return new ControlMessage(kind.Value, jobId, attempt);
    }
}
