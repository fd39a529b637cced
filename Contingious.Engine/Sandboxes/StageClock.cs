using System.Diagnostics;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>Times the stages of one job, has a span for each, and gives its stage to every fault of ours.</summary>
internal sealed class StageClock(TimeProvider time, string sandbox, Action<Stage>? entering)
{
    private readonly List<StageTiming> timings = [];

    public IReadOnlyList<StageTiming> Timings => timings;

    /// <summary>The step whose turn it is, for the spans of its stages; nothing where a stage is the whole job's.</summary>
    public string? Step { get; set; }

    public T Run<T>(Stage stage, Func<T> work)
    {
        entering?.Invoke(stage);
        using var span = Telemetry.StartStage(stage, sandbox, Step);
        var started = time.GetTimestamp();
        try
        {
            return Ended(span, work());
        }
        catch (Exception error)
        {
            Failed(span, error);
            if (IsOurs(error)) throw new StageException(stage, error.Message, error);
            throw;
        }
        finally
        {
            timings.Add(new StageTiming(stage, time.GetElapsedTime(started)));
        }
    }

    public void Run(Stage stage, Action work) => Run(stage, () =>
    {
        work();
        return true;
    });

    public async Task<T> RunAsync<T>(Stage stage, Func<Task<T>> work)
    {
        entering?.Invoke(stage);
        using var span = Telemetry.StartStage(stage, sandbox, Step);
        var started = time.GetTimestamp();
        try
        {
            return Ended(span, await work().ConfigureAwait(false));
        }
        catch (Exception error)
        {
            Failed(span, error);
            if (IsOurs(error)) throw new StageException(stage, error.Message, error);
            throw;
        }
        finally
        {
            timings.Add(new StageTiming(stage, time.GetElapsedTime(started)));
        }
    }

    public Task RunAsync(Stage stage, Func<ValueTask> work) => RunAsync(stage, async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    private static T Ended<T>(Activity? span, T result)
    {
        if (span is not null && result is StepReport step) span.SetTag(Telemetry.OutcomeTag, step.Outcome.ToString());
        return result;
    }

    // The type alone: a message may quote what a job holds.
    private static void Failed(Activity? span, Exception error)
    {
        if (span is null) return;
        span.SetTag("error.type", error.GetType().FullName);
        if (error is not OperationCanceledException) span.SetStatus(ActivityStatusCode.Error);
    }

    // Faults that say already what they are keep their type.
    private static bool IsOurs(Exception error) => error is not (ContingiousException or OperationCanceledException);
}
