using Contingious.Agent.Wire;
using Contingious.Tests.Support;

namespace Contingious.Tests.Work;

[Collection(BrokerTests.Name)]
public sealed class StopTests(PrivateBroker broker)
{
    [Fact]
    public async Task A_stop_finishes_and_answers_what_runs_and_leaves_the_rest_to_others()
    {
        await using var scene = await AgentScene.StartAsync(broker, slots: 1);
        var gate = new TaskCompletionSource();
        scene.Engine.Behaviour = async (_, _) =>
        {
            await gate.Task;
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("running"));
        await scene.Engine.WaitForStartAsync();
        await scene.PostAsync(AgentScene.Job("waiting"));
        var stop = scene.StopAgentAsync();
        await Task.Delay(300);
        Assert.False(stop.IsCompleted);
        gate.SetResult();
        await stop.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(scene.Parts?.IsFinished);

        Assert.Equal("running", (await scene.NextResultAsync()).JobId);
        Assert.Equal(["ctg-running-1"], scene.Engine.Runs.Keys);
        await scene.AddAgentAsync(slots: 1);
        Assert.Equal("waiting", (await scene.NextResultAsync()).JobId);
    }

    [Fact]
    public async Task A_job_that_outlasts_the_grace_is_abandoned_and_delivered_to_another_agent()
    {
        await using var scene = await AgentScene.StartAsync(broker, slots: 1);
        var isFirst = true;
        scene.Engine.Behaviour = async (_, cancellation) =>
        {
            if (isFirst) await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("endless"));
        await scene.Engine.WaitForStartAsync();
        using var grace = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await scene.StopAgentAsync(grace.Token).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(scene.Parts?.IsFinished);
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Interactive), 1);
        Assert.Equal(0u, await scene.Raw.CountReadyAsync(scene.Replies));

        isFirst = false;
        await scene.AddAgentAsync(slots: 1);
        Assert.Equal("endless", (await scene.NextResultAsync()).JobId);
        Assert.Equal(2, scene.Engine.Runs["ctg-endless-1"]);
    }

    [Fact]
    public async Task R8_An_agent_that_leaves_keeps_what_the_next_one_adopts_and_ends_without_waiting_for_the_run()
    {
        await using var scene = await AgentScene.StartAsync(broker, slots: 1);
        scene.Engine.Behaviour = async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("endless"));
        await scene.Engine.WaitForStartAsync();
        await scene.LeaveAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(scene.Parts?.IsFinished);
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Interactive), 1);
    }

    [Fact]
    public async Task An_agent_without_work_stops_at_once()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        await scene.StopAgentAsync().WaitAsync(TimeSpan.FromSeconds(5));
    }
}
