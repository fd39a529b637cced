using System.Collections.Concurrent;
using System.Text;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

/// <summary>A broker that takes jobs back, runs out of memory, is killed, or lets a user do little.</summary>
[Collection(OwnedBrokerTests.Name)]
public sealed class BrokerTroubleTests(OwnedBroker broker)
{
    [Fact]
    public async Task R4_A_job_that_was_held_for_too_long_comes_again_and_the_broker_s_limit_is_learned()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        TimeSpan? told = null;
        source.AckTimeoutLearned = limit => told = limit;
        await scene.Raw.PostAsync(new byte[] { 1 }, null);
        await scene.Raw.PostAsync(new byte[] { 2 }, null);
        var held = await QueueScene.TakeAsync(source);
        var other = await QueueScene.TakeAsync(source);
        await QueueScene.UntilAsync(() => held.Lost.IsCancellationRequested && other.Lost.IsCancellationRequested, "the broker closed the channel");
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10)), (source.LearnedAckTimeout, told));
        // A late acknowledgement does nothing; both come again, and the source goes on.
        await held.AckAsync();
        var again = new[] { await QueueScene.TakeAsync(source), await QueueScene.TakeAsync(source) };
        Assert.Equal([1, 2], again.Select(delivery => (int)delivery.Body.Span[0]).Order());
        Assert.All(again, delivery => Assert.Equal(1, delivery.GivenBack));
        foreach (var delivery in again) await delivery.AckAsync();
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Interactive), 0);
    }

    [Fact]
    public async Task R4_An_agent_whose_jobs_may_take_longer_than_the_broker_waits_is_refused()
    {
        await using var scene = await StartAsync();
        var weights = new Dictionary<JobClass, int> { [JobClass.Exam] = 1 };
        var refusal = await Assert.ThrowsAsync<ContingiousException>(() => AgentBroker.OpenAsync(scene.Options, "a", weights, TimeSpan.FromHours(1), scene.Log, default));
        Assert.Contains("broker.consumer_timeout_s", refusal.Message, StringComparison.Ordinal);
        await using var stated = await AgentBroker.OpenAsync(
            BrokerOptions.Create(new BrokerSettings { Uri = broker.Uri.OriginalString, Prefix = scene.Options.Prefix, ConsumerTimeout = TimeSpan.FromHours(2) }), "a", weights, TimeSpan.FromHours(1), scene.Log, default);
        Assert.True(stated.IsOpen);
    }

    [Fact]
    public async Task R6_A_broker_that_is_killed_under_load_loses_no_job_and_no_decision()
    {
        await using var scene = await StartAsync();
        await using var agent = await OpenAgentAsync(scene);
        await using var sender = await JobSubmitterAsync(scene);
        const int Jobs = 40;
        var decided = new ConcurrentDictionary<string, ConcurrentBag<string>>();
        using var done = new CancellationTokenSource();
        var working = WorkAsync(agent, decided, done.Token);
        var posting = Task.Run(async () =>
        {
            for (var i = 0; i < Jobs; i++)
            {
                await PostUntilTakenAsync(scene.Options, i);
                await Task.Delay(50);
            }
        });
        await QueueScene.UntilAsync(() => decided.Count > 5, "some jobs are done");
        await broker.Process.KillAsync();
        await broker.Process.StartAsync();
        await posting.WaitAsync(TimeSpan.FromSeconds(120));
        await QueueScene.UntilAsync(() => decided.Count == Jobs, $"all jobs are done; {decided.Count} are");
        await done.CancelAsync();
        await working;

        Assert.All(decided, job => Assert.Single(job.Value.Distinct()));
        await using var after = await OpenAgentAsync(scene);
        foreach (var (job, said) in decided) Assert.Equal(said.First(), Encoding.UTF8.GetString(Assert.NotNull(await after.Decisions.FindAsync(Key(job), default)).Span));
    }

    [Fact]
    public async Task R6_A_broker_without_memory_stops_results_and_they_go_on_when_it_has_some()
    {
        await using var scene = await StartAsync();
        await using var agent = await OpenAgentAsync(scene);
        await broker.Process.ControlAsync("set_vm_memory_high_watermark", "0.00001");
        try
        {
            // The broker says that it is blocked to who publishes, not before.
            var deciding = agent.Decisions.DecideAsync(Key("a"), Encoding.UTF8.GetBytes("first"), default);
            await QueueScene.UntilAsync(() => agent.IsBlocked, "the agent knows that the broker takes nothing");
            Assert.False(deciding.IsCompleted);
            await broker.Process.ControlAsync("set_vm_memory_high_watermark", "0.6");
            Assert.Equal("first", Encoding.UTF8.GetString((await deciding.WaitAsync(QueueScene.Patience)).Span));
            await QueueScene.UntilAsync(() => !agent.IsBlocked, "the agent knows that the broker takes messages");
        }
        finally
        {
            await broker.Process.ControlAsync("set_vm_memory_high_watermark", "0.6");
        }
    }

    [Fact]
    public async Task A_user_who_may_not_configure_works_on_a_broker_that_was_set_up_and_is_told_where_it_was_not()
    {
        await using var scene = await StartAsync();
        await broker.Process.ControlAsync("add_user", "grader", "s3cret");
        try
        {
            await broker.Process.ControlAsync("set_permissions", "grader", "", ".*", ".*");
            var uri = new UriBuilder(broker.Uri) { UserName = "grader", Password = "s3cret" }.Uri.OriginalString;
            await using (var agent = await AgentBroker.OpenAsync(BrokerOptions.Parse(uri, scene.Options.Prefix), "a", Weights, TimeSpan.Zero, scene.Log, default))
            {
                await scene.Raw.PostAsync(new byte[] { 1 }, null);
                await (await QueueScene.TakeAsync(agent.Source)).AckAsync();
                await agent.Decisions.DecideAsync(Key("a"), new byte[] { 1 }, default).WaitAsync(QueueScene.Patience);
            }

            var lines = await BrokerSetup.DeclareAsync(BrokerOptions.Parse(uri, scene.Options.Prefix), default);
            Assert.All(lines, line => Assert.Contains("may not declare", line, StringComparison.Ordinal));
            var fault = await Assert.ThrowsAsync<ContingiousException>(() => BrokerSetup.DeclareAsync(BrokerOptions.Parse(uri, "nowhere"), default));
            Assert.Contains("The exchange nowhere.dead is missing", fault.Message, StringComparison.Ordinal);
            Assert.Contains("the user grader may not declare it", fault.Message, StringComparison.Ordinal);
            Assert.Empty(await BrokerSetup.CheckAsync(BrokerOptions.Parse(uri, scene.Options.Prefix), default));
            Assert.All(await BrokerSetup.CheckAsync(BrokerOptions.Parse(uri, "nowhere"), default), problem => Assert.Equal(BrokerProblemKind.MissingForGood, problem.Kind));
        }
        finally
        {
            await broker.Process.ControlAsync("delete_user", "grader");
        }
    }

    private static Dictionary<JobClass, int> Weights => new() { [JobClass.Exam] = 2, [JobClass.Interactive] = 1 };

    private static JobKey Key(string id) => new(id, 1, new string('a', 64));

    /// <summary>As an agent's desk does: decide, and acknowledge only then.</summary>
    private static async Task WorkAsync(AgentBroker agent, ConcurrentDictionary<string, ConcurrentBag<string>> decided, CancellationToken until)
    {
        try
        {
            for (var run = 0; ; run++)
            {
                var delivery = await agent.Source.TakeAsync(until);
                var id = Encoding.UTF8.GetString(delivery.Body.Span);
                var result = await agent.Decisions.DecideAsync(Key(id), Encoding.UTF8.GetBytes($"run {run} of {id}"), until);
                decided.GetOrAdd(id, _ => []).Add(Encoding.UTF8.GetString(result.Span));
                await delivery.AckAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // Done.
        }
    }

    private static async Task PostUntilTakenAsync(BrokerOptions options, int i)
    {
        while (true)
        {
            try
            {
                await using var raw = new Poster(await RawClient.ConnectAsync(options.Uri, options));
                await raw.Client.PostAsync(Encoding.UTF8.GetBytes($"job-{i}"), null);
                return;
            }
            catch (Exception error) when (error is RabbitMQ.Client.Exceptions.BrokerUnreachableException or RabbitMQ.Client.Exceptions.OperationInterruptedException or IOException or RabbitMQ.Client.Exceptions.PublishException)
            {
                await Task.Delay(200);
            }
        }
    }

    private static Task<JobSubmitter> JobSubmitterAsync(QueueScene scene) => JobSubmitter.ConnectAsync(scene.Options, default);

    private static Task<AgentBroker> OpenAgentAsync(QueueScene scene) => AgentBroker.OpenAsync(scene.Options, "a", Weights, TimeSpan.Zero, scene.Log, default);

    private Task<QueueScene> StartAsync()
    {
        var options = broker.NewOptions();
        return QueueScene.StartAsync(broker.Uri, options);
    }

    /// <summary>A client that leaves the queues where they are.</summary>
    private sealed class Poster(RawClient client) : IAsyncDisposable
    {
        public RawClient Client => client;

        public ValueTask DisposeAsync() => client.LeaveAsync();
    }
}
