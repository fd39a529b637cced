using System.Threading.Channels;
using Contingious.Agent.Runner;
using Contingious.Engine.Model;

namespace Contingious.Tests.Runner;

/// <summary>A run that says when it has begun, and ends when it is let.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> begun = Channel.CreateUnbounded<bool>();
    private int runs;

    public int Runs => runs;

    public ObservedRun Run => async (request, observer, cancellation) =>
    {
        Interlocked.Increment(ref runs);
        observer.StepStarted("step");
        begun.Writer.TryWrite(true);
        await opened.Task.WaitAsync(cancellation);
        observer.StepWrote("step", isStderr: false, "late"u8);
        var report = RunnerScene.Ok(request.Id.Value);
        observer.StepEnded(report.Steps[0]);
        return report;
    };

    public Task BegunAsync() => begun.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public void Open() => opened.TrySetResult();
}
