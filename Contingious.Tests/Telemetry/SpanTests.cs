using System.Collections.Concurrent;
using System.Diagnostics;
using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Support;

namespace Contingious.Tests.Telemetry;

/// <summary>Spans heard by a listener: those of one trace alone, as other tests run beside.</summary>
internal sealed class HeardSpans : IDisposable
{
    private readonly ActivityListener listener;
    private readonly ConcurrentQueue<Activity> ended = new();

    public HeardSpans()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is Engine.Telemetry.Name or AgentTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public IReadOnlyList<Activity> Of(ActivityTraceId trace) => [.. ended.Where(span => span.TraceId == trace)];

    public void Dispose() => listener.Dispose();
}

public sealed class SpanTests
{
    private const string Sender = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static readonly JobKey job = new("hw3.student-17", 2, new string('a', 64));

    [Fact]
    public void A_job_s_spans_go_from_its_sender_through_agent_and_runner_to_the_stages()
    {
        using var heard = new HeardSpans();
        var agent = JobActivity.Start(Sender, job, JobClass.Exam, "contingious.jobs.exam");
        Activity.Current = null;

        // In another process.
        var run = JobActivity.StartRun(JobActivity.TraceParentOf(agent, Sender), job, JobClass.Exam);
        var clock = new StageClock(TimeProvider.System, "ctg-hw3.student-17-2", entering: null);
        clock.Run(Stage.LeaseImage, () => { });
        clock.Step = "step-0";
        _ = clock.Run(Stage.Account, () => new StepReport { Name = "secret name", Outcome = Outcome.MemoryLimit });
        clock.Step = null;
        Assert.Throws<StageException>(() => clock.Run(Stage.CopyOut, () => throw new IOException("secret content")));
        JobActivity.End(run, Outcome.InternalError);
        JobActivity.End(agent, Outcome.InternalError);

        Assert.NotNull(agent);
        Assert.NotNull(run);
        Assert.Equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), ($"{agent.TraceId}", $"{agent.ParentSpanId}"));
        Assert.Equal((ActivityKind.Consumer, "process contingious.jobs.exam"), (agent.Kind, agent.OperationName));
        Assert.Equal(agent.SpanId, run.ParentSpanId);
        var spans = heard.Of(agent.TraceId);
        Assert.Equal(["LeaseImage", "Account", "CopyOut", "run", "process contingious.jobs.exam"], spans.Select(span => span.OperationName));
        Assert.All(spans.Take(3), span => Assert.Equal(run.SpanId, span.ParentSpanId));
        Assert.All(spans.Take(3), span => Assert.Equal("ctg-hw3.student-17-2", span.GetTagItem(Engine.Telemetry.SandboxTag)));
        Assert.Equal([null, "step-0", null], spans.Take(3).Select(span => span.GetTagItem(Engine.Telemetry.StepTag)));
        Assert.Equal("MemoryLimit", spans[1].GetTagItem(Engine.Telemetry.OutcomeTag));
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Unset, ActivityStatusCode.Error, ActivityStatusCode.Error, ActivityStatusCode.Error], spans.Select(span => span.Status));
        Assert.Equal("System.IO.IOException", spans[2].GetTagItem("error.type"));
        Assert.Equal(("hw3.student-17", 2, "exam"), (agent.GetTagItem(JobActivity.JobTag), agent.GetTagItem(JobActivity.AttemptTag), agent.GetTagItem(AgentTelemetry.ClassTag)));
        Assert.All(spans, span => Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}{span.StatusDescription}".Contains("secret", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00-xyz")]
    [InlineData("00-00000000000000000000000000000000-0000000000000000-01")]
    public void A_sender_s_trace_that_is_none_begins_a_new_one(string? traceParent)
    {
        using var heard = new HeardSpans();
        Activity.Current = null;
        using var span = JobActivity.Start(traceParent, job, JobClass.Batch, "q");
        Assert.NotNull(span);
        Assert.Equal(default, span.ParentSpanId);
        Assert.Equal(span.Id, JobActivity.TraceParentOf(span, traceParent));
    }

    [Fact]
    public void A_trace_is_passed_on_where_nobody_listens() => Assert.Equal(Sender, JobActivity.TraceParentOf(null, Sender));
}

/// <summary>What a stage costs where nobody listens. Alone, for any other test's listener would be one.</summary>
[Collection(nameof(AloneOnTheHost))]
public sealed class SilentSpanTests
{
    [Fact]
    public void Spans_allocate_nothing_where_nobody_listens()
    {
        _ = Engine.Telemetry.StartStage(Stage.Wait, "sandbox", "step");
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) _ = Engine.Telemetry.StartStage(Stage.Wait, "sandbox", "step");
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}

[Trait("Needs", "keeper")]
public sealed class SpanOfRunTests(EngineFixture engine)
{
    [Fact]
    public async Task A_run_has_one_span_for_each_stage_it_went_through_below_its_own()
    {
        await engine.EngineAsync();
        using var heard = new HeardSpans();
        Activity.Current = null;
        var run = JobActivity.StartRun(null, new JobKey("job", 1, ""), JobClass.Exam);
        Assert.NotNull(run);
        var report = await engine.RunAsync(["true"]);
        JobActivity.End(run, report.Outcome);
        var stages = heard.Of(run.TraceId).Where(span => span.Source.Name == Engine.Telemetry.Name).ToList();
        Assert.Equal(report.Timings.Select(timing => $"{timing.Stage}"), stages.Select(span => span.OperationName));
        Assert.All(stages, span => Assert.Equal(run.SpanId, span.ParentSpanId));
        Assert.Equal("Ok", stages.Single(span => span.OperationName == "Account").GetTagItem(Engine.Telemetry.OutcomeTag));
    }
}
