using System.Runtime.CompilerServices;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;

namespace Contingious.Tests.Work;

public sealed class JobCaseTests
{
    [Fact]
    public void A_job_that_is_over_is_not_kept_by_the_channel_that_it_came_over()
    {
        // The channel lives on.
        using var channel = new CancellationTokenSource();
        var (job, late) = Deal(channel.Token);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(job.IsAlive);
        Assert.False(late.IsAlive);
        channel.Cancel();
    }

    [Fact]
    public void A_job_is_unwanted_when_every_delivery_of_it_is_lost()
    {
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        using var job = NewJob();
        job.Attach(new Delivery(first.Token));
        job.Attach(new Delivery(second.Token));
        first.Cancel();
        Assert.False(job.Unwanted.IsCancellationRequested);
        second.Cancel();
        Assert.True(job.Unwanted.IsCancellationRequested);
    }

    // In a frame of its own, so that nothing of it is on the stack afterwards.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference Job, WeakReference Late) Deal(CancellationToken channel)
    {
        var delivery = new Delivery(channel);
        var job = NewJob();
        job.Attach(delivery);
        job.Attach(delivery);
        job.Close(new CaseEnd.GiveBack());
        job.Dispose();

        // Delivered again in the moment in which it ended.
        var late = NewJob();
        late.Close(new CaseEnd.Dropped());
        late.Attach(delivery);
        late.Dispose();
        return (new WeakReference(job), new WeakReference(late));
    }

    private static JobCase NewJob()
    {
        var job = AgentScene.Job("over");
        return new JobCase(new JobTicket(new JobKey("over", 1, ""), job, new byte[1 << 20], JobClass.Batch));
    }

    private sealed class Delivery(CancellationToken lost) : IJobDelivery
    {
        public JobClass Class => JobClass.Batch;

        public ReadOnlyMemory<byte> Body => default;

        public long Size => 0;

        public string? ReplyTo => null;

        public string? CorrelationId => null;

        public DateTimeOffset? Posted => null;

        public string? TraceParent => null;

        public bool Redelivered => false;

        public int GivenBack => 0;

        public CancellationToken Lost => lost;

        public Task AckAsync() => Task.CompletedTask;

        public Task RejectAsync(bool requeue) => Task.CompletedTask;
    }
}
