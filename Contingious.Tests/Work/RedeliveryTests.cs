using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Work;

/// <summary>Jobs are delivered at least once; each is answered once, as far as whoever posted it can see.</summary>
[Collection(BrokerTests.Name)]
public sealed class RedeliveryTests(PrivateBroker broker)
{
    [Fact]
    public async Task A_finished_job_that_comes_again_is_answered_with_the_same_result_and_not_run_again()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var runs = 0;
        scene.Engine.Behaviour = (_, _) => Task.FromResult(FakeEngine.Ok($"run {++runs}"));
        await scene.PostAsync(AgentScene.Job("twice"));
        var first = await scene.NextReplyAsync();
        await scene.PostAsync(AgentScene.Job("twice"));
        Assert.Equal(first.Body.ToArray(), (await scene.NextReplyAsync()).Body.ToArray());
        Assert.Equal(1, runs);
        await scene.PostAsync(AgentScene.Job("twice", attempt: 2));
        Assert.Equal(2, (await scene.NextResultAsync()).Attempt);
        Assert.Equal(2, runs);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Another_job_with_the_same_id_is_never_answered_with_somebody_else_s_result()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var runs = 0;
        scene.Engine.Behaviour = (_, _) => Task.FromResult(FakeEngine.Ok($"run {++runs}"));
        await scene.PostAsync(AgentScene.Job("same", content: "hers"));
        var hers = await scene.NextReplyAsync();
        await scene.PostAsync(AgentScene.Job("same", content: "his"));
        Assert.NotEqual(hers.Body.ToArray(), (await scene.NextReplyAsync()).Body.ToArray());
        Assert.Equal(2, runs);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_running_job_that_comes_again_waits_for_the_first()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var gate = new TaskCompletionSource();
        scene.Engine.Behaviour = async (_, _) =>
        {
            await gate.Task;
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("twice"), "a");
        await scene.Engine.WaitForStartAsync();
        await scene.PostAsync(AgentScene.Job("twice"), "b");
        for (var i = 0; !scene.Log.Text.Contains("came again", StringComparison.Ordinal) && i < 300; i++) await Task.Delay(100);
        gate.SetResult();
        var ids = new[] { (await scene.NextReplyAsync()).BasicProperties.CorrelationId, (await scene.NextReplyAsync()).BasicProperties.CorrelationId };
        Assert.Equal(["a", "b"], ids.Order());
        Assert.Equal(1, scene.Engine.Runs["ctg-twice-1"]);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_connection_that_is_lost_while_a_job_runs_costs_no_second_run_and_no_result()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await AgentScene.StartAsync(broker, agentUri: proxy.Uri);
        var gate = new TaskCompletionSource();
        scene.Engine.Behaviour = async (_, _) =>
        {
            await gate.Task;
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("cut"));
        await scene.Engine.WaitForStartAsync();
        proxy.Cut();
        for (var i = 0; !scene.Log.Text.Contains("came again (redelivered: True)", StringComparison.Ordinal) && i < 300; i++) await Task.Delay(100);
        gate.SetResult();

        Assert.Equal(("cut", 1, Outcome.Ok), Summary(await scene.NextResultAsync()));
        Assert.Equal(1, scene.Engine.Runs["ctg-cut-1"]);
        await scene.AssertNothingLeftAsync();

        static (string, int, Outcome) Summary(JobResult result) => (result.JobId, result.Attempt, result.Report.Outcome);
    }

    [Fact]
    public async Task A_job_is_not_acknowledged_before_the_broker_has_its_result()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await AgentScene.StartAsync(broker, agentUri: proxy.Uri);
        var gate = new TaskCompletionSource();
        scene.Engine.Behaviour = async (_, _) =>
        {
            await gate.Task;
            return FakeEngine.Ok();
        };
        await scene.PostAsync(AgentScene.Job("held"));
        await scene.Engine.WaitForStartAsync();
        proxy.Down();
        gate.SetResult();
        // The result exists and cannot be published: the broker has the job again, ready for whoever comes.
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Interactive), 1);
        Assert.Equal(0u, await scene.Raw.CountReadyAsync(scene.Replies));

        proxy.Up();
        Assert.Equal("held", (await scene.NextResultAsync()).JobId);
        Assert.Equal(1, scene.Engine.Runs["ctg-held-1"]);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Every_one_of_twenty_jobs_is_answered_over_a_connection_that_is_cut_again_and_again()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await AgentScene.StartAsync(broker, slots: 3, agentUri: proxy.Uri);
        scene.Engine.Behaviour = async (_, cancellation) =>
        {
            await Task.Delay(300, cancellation);
            return FakeEngine.Ok();
        };
        var through = BrokerOptions.Parse(broker.Uri.OriginalString, scene.Options.Prefix);
        await using var client = await JobSubmitter.ConnectAsync(through, default);
        var jobs = Task.WhenAll(Enumerable.Range(0, 20).Select(i => client.SubmitAsync(AgentScene.Job($"job-{i}"), default)));
        // Twice: each cut gives the jobs back that were under way, and the fourth time is once too often for a job.
        for (var i = 0; i < 2; i++)
        {
            await scene.Engine.WaitForStartAsync();
            await Task.Delay(100);
            proxy.Cut();
            await Task.Delay(500);
        }

        var results = await jobs.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(20, results.Select(result => (result.JobId, result.Attempt)).Distinct().Count());
        Assert.All(results, result => Assert.Equal(Outcome.Ok, result.Report.Outcome));
        Assert.All(scene.Engine.Runs.Values, runs => Assert.Equal(1, runs));
        await scene.AssertNothingLeftAsync();
        Assert.Equal(0u, await scene.Raw.CountReadyAsync(scene.Options.DeadQueue));
    }

    [Fact]
    public async Task A_sender_whose_connection_is_lost_gets_its_result_all_the_same()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await AgentScene.StartAsync(broker);
        var gate = new TaskCompletionSource();
        scene.Engine.Behaviour = async (_, _) =>
        {
            await gate.Task;
            return FakeEngine.Ok();
        };
        await using var client = await JobSubmitter.ConnectAsync(BrokerOptions.Parse(proxy.Uri, scene.Options.Prefix), default);
        var result = client.SubmitAsync(AgentScene.Job("cut"), default);
        await scene.Engine.WaitForStartAsync();
        proxy.Down();
        gate.SetResult();
        for (var i = 0; !scene.Log.Text.Contains("nobody to go to", StringComparison.Ordinal) && i < 300; i++) await Task.Delay(100);
        proxy.Up();
        Assert.Equal("cut", (await result.WaitAsync(TimeSpan.FromSeconds(30))).JobId);
        Assert.Equal(1, scene.Engine.Runs["ctg-cut-1"]);
    }
}
