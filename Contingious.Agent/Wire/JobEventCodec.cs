using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Events as docs/wire.md describes them: several of one job in a message, in their order.</summary>
public static class JobEventCodec
{
    /// <summary>A larger message is refused unread.</summary>
    public const int MaxBytes = 1 << 20;

    public const int MaxEvents = 4_096;

    /// <summary>What one event may carry of what a step wrote.</summary>
    public const int MaxData = 64 * 1024;

    private static readonly MapKeys messageKeys = new(["v", "job_id", "attempt", "events"], []);
    private static readonly MapKeys eventKeys = new(["kind", "time_us"], ["step", "outcome", "stderr", "data"]);

    /// <param name="events">At least one, all of the same job and attempt.</param>
    public static ReadOnlyMemory<byte> Encode(IReadOnlyList<JobEvent> events)
    {
        var writer = new MessagePackWriter();
        writer.WriteMapHeader(4);
        writer.WriteString("v");
        writer.WriteInteger(WireFormat.Version);
        writer.WriteString("job_id");
        writer.WriteString(events[0].JobId);
        writer.WriteString("attempt");
        writer.WriteInteger(events[0].Attempt);
        writer.WriteString("events");
        writer.WriteArrayHeader(events.Count);
        foreach (var each in events) Write(writer, each);
        return writer.Written;
    }

    /// <summary>Reads the events of a message. Their data are parts of <paramref name="body"/>, not copies. Kinds that a newer agent may know are passed over.</summary>
    /// <exception cref="WireException">It is no message of events.</exception>
    public static IReadOnlyList<JobEvent> Decode(ReadOnlyMemory<byte> body)
    {
        if (body.Length > MaxBytes) throw new WireException($"The message has {body.Length:N0} bytes; {MaxBytes:N0} are allowed.");
        var reader = new WireReader(body, new FieldPath());
        var jobId = "";
        var attempt = 0;
        var events = new List<JobEvent>();
        var map = reader.BeginMap(messageKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "v": reader.ReadVersion(); break;
                case "job_id":
                    jobId = reader.ReadString();
                    reader.Refuse(SandboxId.IsJobId(jobId) ? null : SandboxId.JobIdRule);
                    break;
                case "attempt": attempt = (int)reader.ReadInt64(0, WireFormat.MaxAttempt); break;
                case "events": ReadAll(ref reader, events); break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the message.");
        // The job may be named behind its events.
        return [.. events.Select(each => each with { JobId = jobId, Attempt = attempt })];
    }

    private static void Write(MessagePackWriter writer, JobEvent happened)
    {
        var hasStep = happened.Step.Length > 0;
        var hasData = happened.Kind == JobEventKind.Output;
        writer.WriteMapHeader(2 + (hasStep ? 1 : 0) + (happened.Outcome is null ? 0 : 1) + (hasData ? 2 : 0));
        writer.WriteString("kind");
        writer.WriteString(WireNames<JobEventKind>.Of(happened.Kind));
        writer.WriteString("time_us");
        writer.WriteInteger((happened.Time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        if (hasStep)
        {
            writer.WriteString("step");
            writer.WriteString(happened.Step);
        }

        if (happened.Outcome is { } outcome)
        {
            writer.WriteString("outcome");
            writer.WriteString(outcome.ToString());
        }

        if (!hasData) return;
        writer.WriteString("stderr");
        writer.WriteBool(happened.IsStderr);
        writer.WriteString("data");
        writer.WriteBinary(happened.Data.Span[..Math.Min(happened.Data.Length, MaxData)]);
    }

    private static void ReadAll(ref WireReader reader, List<JobEvent> events)
    {
        var count = reader.BeginArray(0, MaxEvents);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            if (Read(ref reader) is { } known) events.Add(known);
            reader.Leave();
        }
    }

    private static JobEvent? Read(ref WireReader reader)
    {
        var read = new JobEvent("", 0, JobEventKind.Accepted, DateTimeOffset.UnixEpoch);
        JobEventKind? kind = null;
        var map = reader.BeginMap(eventKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "kind": kind = WireNames<JobEventKind>.Find(reader.ReadString()); break;
                case "time_us": read = read with { Time = ReadTime(ref reader) }; break;
                case "step":
                    read = read with { Step = reader.ReadString() };
                    reader.Refuse(FieldRules.StepName(read.Step));
                    break;
                case "outcome": read = read with { Outcome = ReadOutcome(ref reader) }; break;
                case "stderr": read = read with { IsStderr = reader.ReadBool() }; break;
                case "data":
                    read = read with { Data = reader.ReadBinary() };
                    reader.Require(read.Data.Length <= MaxData, $"It has {read.Data.Length:N0} bytes; {MaxData:N0} are allowed.");
                    break;
            }
        }

        return kind is { } known ? read with { Kind = known } : null;
    }

    private static DateTimeOffset ReadTime(ref WireReader reader)
    {
        const long TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;
        var latest = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TicksPerMicrosecond;
        return DateTimeOffset.UnixEpoch.AddTicks(reader.ReadInt64(0, latest) * TicksPerMicrosecond);
    }

    private static Outcome ReadOutcome(ref WireReader reader)
    {
        var name = reader.ReadString();
        return Names<Outcome>.Find(name) ?? throw reader.Failure($"{Escaped.Quote(name)} is no outcome.");
    }
}
