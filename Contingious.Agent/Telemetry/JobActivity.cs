using System.Diagnostics;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// The spans of a job: the agent's, from taking it to acknowledging it, below whatever its sender traces; and the runner's below that, from
/// decoding to the result, with the engine's stages below. Where nobody listens there are none, and nothing is allocated.
/// </summary>
internal static class JobActivity
{
    public const string JobTag = "contingious.job.id";
    public const string AttemptTag = "contingious.job.attempt";

    private static readonly ActivitySource source = new(AgentTelemetry.Name);

    /// <summary>Begins the agent's span of a job.</summary>
    /// <param name="traceParent">W3C trace context of the message; what is none is left aside.</param>
    /// <param name="job">The job.</param>
    /// <param name="ofClass">Its class.</param>
    /// <param name="queue">The queue that it came from.</param>
    public static Activity? Start(string? traceParent, JobKey job, JobClass ofClass, string queue)
    {
        if (!source.HasListeners() || source.StartActivity($"process {queue}", ActivityKind.Consumer, ParentOf(traceParent)) is not { } span) return null;
        span.SetTag("messaging.system", "rabbitmq");
        span.SetTag("messaging.operation.name", "process");
        span.SetTag("messaging.operation.type", "process");
        span.SetTag("messaging.destination.name", queue);
        return Name(span, job, ofClass);
    }

    /// <summary>Begins the runner's span of a job. It is the current one from here on, and the engine's stages are below it.</summary>
    /// <param name="traceParent">What <see cref="TraceParentOf"/> gave the agent.</param>
    /// <param name="job">The job.</param>
    /// <param name="ofClass">Its class.</param>
    public static Activity? StartRun(string? traceParent, JobKey job, JobClass ofClass)
    {
        if (!source.HasListeners() || source.StartActivity("run", ActivityKind.Internal, ParentOf(traceParent)) is not { } span) return null;
        return Name(span, job, ofClass);
    }

    /// <summary>The trace context to give on with a job: that of the span, else the one that the job came with.</summary>
    public static string? TraceParentOf(Activity? span, string? given) => span?.Id ?? given;

    /// <summary>Says what became of the job, and ends the span.</summary>
    public static void End(Activity? span, Outcome outcome)
    {
        if (span is null) return;
        span.SetTag(AgentTelemetry.OutcomeTag, outcome.ToString());
        if (outcome.Blame() == Blame.Infra)
        {
            span.SetTag("error.type", outcome.ToString());
            span.SetStatus(ActivityStatusCode.Error);
        }

        span.Dispose();
    }

    private static Activity Name(Activity span, JobKey job, JobClass ofClass)
    {
        span.SetTag(JobTag, job.JobId);
        span.SetTag(AttemptTag, job.Attempt);
        span.SetTag(AgentTelemetry.ClassTag, WireNames<JobClass>.Of(ofClass));
        return span;
    }

    // A stranger wrote it: it is parsed and bounded by its form, and its state is not taken over.
    private static ActivityContext ParentOf(string? traceParent) =>
        ActivityContext.TryParse(traceParent, traceState: null, isRemote: true, out var context) ? context : default;
}
