using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>Results of jobs that were not run, or not to their end.</summary>
internal sealed class JobAnswers(string agent)
{
    public ReadOnlyMemory<byte> Refused(WireException error) =>
        JobResultCodec.Encode(new JobResult(error.JobId, error.Attempt, agent, RunReport.Rejected(error.Field, error.Reason)));

    public ReadOnlyMemory<byte> Cancelled(Job job) => Of(job, Outcome.Cancelled, "The job was cancelled.");

    public ReadOnlyMemory<byte> Expired(Job job, TimeSpan late) =>
        Of(job, Outcome.Expired, $"The job was to begin by {job.StartBefore:yyyy-MM-dd HH:mm:ss.fff} UTC and could not: it was {late.TotalSeconds:0.0} s late. Nothing of it was run; post it again with a later start_before_ms, or where there is more room.");

    public ReadOnlyMemory<byte> GivenBackTooOften(Job job, int times) =>
        Of(job, Outcome.InternalError, $"The job was given back {times} times by agents that ended in the middle of it. It may be what ends them; a copy is in the dead letters.");

    public ReadOnlyMemory<byte> Failed(Job job, string reason) => Of(job, Outcome.InternalError, reason);

    /// <summary>The fate that an encoded result tells; nothing where a newer agent wrote it and it is not known here.</summary>
    public static Outcome? OutcomeOf(ReadOnlyMemory<byte> result)
    {
        try
        {
            return JobResultCodec.Decode(result).Report.Outcome;
        }
        catch (WireException)
        {
            return null;
        }
    }

    /// <summary>The sentence of an encoded result, for a log.</summary>
    public static string MessageOf(ReadOnlyMemory<byte> result)
    {
        try
        {
            return JobResultCodec.Decode(result).Report.Message;
        }
        catch (WireException error)
        {
            return $"The runner's answer is no result: {error.Message}";
        }
    }

    private ReadOnlyMemory<byte> Of(Job job, Outcome outcome, string message) =>
        JobResultCodec.Encode(new JobResult(job.JobId, job.Attempt, agent, new RunReport { Outcome = outcome, Message = message }));
}
