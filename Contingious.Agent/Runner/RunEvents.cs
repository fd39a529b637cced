using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Runner;

/// <summary>
/// Makes events of what the engine sees. A step's output may be read a moment before it is known that its command has begun: it is held until then, so that
/// whoever listens hears the start first.
/// </summary>
internal sealed class RunEvents(JobKey key, TimeProvider time, Action<JobEvent> post) : IRunObserver
{
    /// <summary>What one event carries at most.</summary>
    public const int MostData = 64 << 10;

    private readonly Lock access = new();
    private readonly List<JobEvent> early = [];
    private readonly TaskCompletionSource<RunReport> concluded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? started;

    /// <summary>The run's report, as soon as it is settled; it may never come.</summary>
    public Task<RunReport> Conclusion => concluded.Task;

    public void Concluded(RunReport report) => concluded.TrySetResult(report);

    public void StepStarted(string step)
    {
        lock (access)
        {
            started = step;
            post(Happened(JobEventKind.Started, step));
            foreach (var output in early) post(output);
            early.Clear();
        }
    }

    public void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> data)
    {
        lock (access)
        {
            for (; data.Length > 0; data = data[Math.Min(data.Length, MostData)..])
            {
                var output = Happened(JobEventKind.Output, step) with { IsStderr = isStderr, Data = data[..Math.Min(data.Length, MostData)].ToArray() };
                if (started == step) post(output);
                else early.Add(output);
            }
        }
    }

    public void StepEnded(StepReport report)
    {
        lock (access)
        {
            // What was written without a start is the runtime's complaint, and in the report.
            early.Clear();
            started = null;
            post(Happened(JobEventKind.Step, report.Name) with { Outcome = report.Outcome });
        }
    }

    private JobEvent Happened(JobEventKind kind, string step) => new(key.JobId, key.Attempt, kind, time.GetUtcNow()) { Step = step };
}
