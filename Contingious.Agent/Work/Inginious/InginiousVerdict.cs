using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work.Inginious;

/// <summary>Makes INGInious's answer of a result of ours.</summary>
public static class InginiousVerdict
{
    /// <param name="job">What was asked.</param>
    /// <param name="report">What became of the job that <see cref="InginiousTranslator"/> made of it.</param>
    public static InginiousResult Of(InginiousJob job, RunReport report)
    {
        var graded = report.Outcome is Outcome.Ok or Outcome.NonZeroExit or Outcome.Signalled;
        var result = graded ? OfGrader(job, report) : new InginiousResult { JobId = job.JobId, Code = CodeOf(report.Outcome), Text = TextOf(report), State = job.State };
        if (job.Debug != InginiousDebug.On || report.Steps.Count == 0) return result;
        var step = report.Steps[^1];
        return result with { Stdout = result.Stdout ?? Text(step.Stdout), Stderr = result.Stderr ?? Text(step.Stderr) };
    }

    /// <summary>For a job that was refused before it was one: <see cref="Engine.RejectedRequestException"/> and <see cref="WireException"/>.</summary>
    public static InginiousResult Refused(string jobId, string message, string state = "") =>
        new() { JobId = jobId, Code = InginiousCode.Crash, Text = message, State = state };

    /// <summary>How the grader itself ended does not matter where it has said how the submission did: so INGInious has it.</summary>
    private static InginiousResult OfGrader(InginiousJob job, RunReport report)
    {
        var file = report.Outputs.FirstOrDefault(output => output.Path == InginiousTranslator.FeedbackPath);
        if (file is not { Status: OutputStatus.Returned } || file.Content.IsEmpty)
        {
            var how = report.Outcome == Outcome.Ok ? "" : $" ({report.Message})";
            return new InginiousResult { JobId = job.JobId, Code = InginiousCode.Error, Text = $"The grader gave no feedback.{how}", State = job.State };
        }

        if (file.Truncated) return Refused(job.JobId, "The grader did not return a readable output: it is too large.", job.State);
        try
        {
            return InginiousFeedback.Read(file.Content).ToResult(job) with { Archive = InginiousArchive.Of(report.Outputs) };
        }
        catch (FormatException error)
        {
            return Refused(job.JobId, $"The grader did not return a readable output: {error.Message}", job.State);
        }
    }

    private static InginiousCode CodeOf(Outcome outcome) => outcome switch
    {
        Outcome.CpuTimeLimit or Outcome.WallTimeLimit => InginiousCode.Timeout,
        Outcome.MemoryLimit or Outcome.DiskLimit or Outcome.OutputLimit => InginiousCode.Overflow,
        Outcome.Cancelled => InginiousCode.Killed,
        Outcome.RejectedSpec or Outcome.ImageUnavailable or Outcome.InternalError or Outcome.AgentLost or Outcome.Expired => InginiousCode.Crash,
        Outcome.Ok or Outcome.NonZeroExit or Outcome.Signalled => InginiousCode.Error,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an outcome."),
    };

    /// <summary>INGInious says nothing of a limit; what is wrong with a task is for its author.</summary>
    private static string TextOf(RunReport report) => CodeOf(report.Outcome) == InginiousCode.Crash ? report.Message : "";

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
