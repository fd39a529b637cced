using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;

namespace Contingious.Agent.Runner;

/// <summary>Fields of <see cref="FrameKind.Hello"/>.</summary>
/// <param name="Protocol">The agent's <see cref="Frame.ProtocolVersion"/>.</param>
/// <param name="Agent">The name that results say.</param>
/// <param name="Pid">The agent's process, for the log.</param>
internal sealed record HelloMessage(int Protocol, string Agent, int Pid)
{
    public FieldWriter Write() => new FieldWriter().Int(Protocol).Text(Agent).Int(Pid);

    public static HelloMessage Read(FieldReader fields) => new(fields.Int(), fields.Text(), fields.Int());
}

/// <summary>Fields of <see cref="FrameKind.Welcome"/>.</summary>
/// <param name="Protocol">The runner's <see cref="Frame.ProtocolVersion"/>.</param>
/// <param name="Fingerprint">The runner's <see cref="RunnerFingerprint"/>.</param>
/// <param name="Pid">The runner's process.</param>
/// <param name="Retiring">It takes no new jobs.</param>
internal sealed record WelcomeMessage(int Protocol, string Fingerprint, int Pid, bool Retiring)
{
    public FieldWriter Write() => new FieldWriter().Int(Protocol).Text(Fingerprint).Int(Pid).Bool(Retiring);

    public static WelcomeMessage Read(FieldReader fields) => new(fields.Int(), fields.Text(), fields.Int(), fields.Bool());
}

/// <summary>Fields of <see cref="FrameKind.Run"/> and <see cref="FrameKind.Entry"/>, and of a journal's file: a job as it came from its queue.</summary>
/// <param name="Key">Names it.</param>
/// <param name="Class">Its queue.</param>
/// <param name="TraceParent">Its W3C trace context, if any.</param>
/// <param name="Message">Its body as it came.</param>
internal sealed record JobOrder(JobKey Key, JobClass Class, string? TraceParent, ReadOnlyMemory<byte> Message)
{
    public static JobOrder Of(JobTicket ticket) => new(ticket.Key, ticket.Class, ticket.TraceParent, ticket.Message);

    public FieldWriter Write() => new FieldWriter().Key(Key).Name(Class).Text(TraceParent).Bytes(Message.Span);

    public static JobOrder Read(FieldReader fields) => new(fields.Key(), fields.Name<JobClass>(), fields.OptionalText(), fields.Bytes());
}

/// <summary>Fields of <see cref="FrameKind.Answer"/>.</summary>
internal static class AnswerMessage
{
    public static FieldWriter Write(RunAnswer answer) => new FieldWriter().Name(answer.Outcome).Bool(answer.Repeated).Bool(answer.Final).Bytes(answer.Result.Span);

    public static RunAnswer Read(FieldReader fields)
    {
        var (outcome, repeated, final, result) = (fields.Name<Outcome>(), fields.Bool(), fields.Bool(), fields.Bytes());
        return new RunAnswer(outcome, result, repeated) { Final = final };
    }
}

/// <summary>Fields of <see cref="FrameKind.Event"/>: an event of a job that both sides know by the frame's number.</summary>
internal static class EventMessage
{
    public static FieldWriter Write(JobEvent happened)
    {
        var fields = new FieldWriter().Name(happened.Kind).Long(happened.Time.UtcTicks).Text(happened.Step).Bool(happened.Outcome is not null);
        if (happened.Outcome is { } outcome) fields.Name(outcome);
        return fields.Bool(happened.IsStderr).Bytes(happened.Data.Span);
    }

    public static JobEvent Read(FieldReader fields, JobKey key)
    {
        var (kind, ticks, step) = (fields.Name<JobEventKind>(), fields.Long(), fields.Text());
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw new RunnerProtocolException("An event's time is none.");
        Outcome? outcome = fields.Bool() ? fields.Name<Outcome>() : null;
        return new JobEvent(key.JobId, key.Attempt, kind, new DateTimeOffset(ticks, TimeSpan.Zero)) { Step = step, Outcome = outcome, IsStderr = fields.Bool(), Data = fields.Bytes() };
    }
}
