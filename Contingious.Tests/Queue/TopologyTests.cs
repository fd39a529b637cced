using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Tests.Support;
using RabbitMQ.Client;

namespace Contingious.Tests.Queue;

[Collection(BrokerTests.Name)]
public sealed class TopologyTests(PrivateBroker broker)
{
    [Fact]
    public async Task Everything_is_declared_once_and_a_second_time_nothing_changes()
    {
        await using var scene = await StartAsync();
        var lines = await BrokerSetup.DeclareAsync(scene.Options, default);
        Assert.Equal(11, lines.Count);
        Assert.All(lines, line => Assert.EndsWith(": declared", line, StringComparison.Ordinal));
        Assert.Empty(await BrokerSetup.CheckAsync(scene.Options, default));
    }

    [Fact]
    public async Task A_check_names_what_is_missing_and_makes_nothing()
    {
        await using var scene = await StartAsync();
        await scene.Raw.Channel.QueueDeleteAsync(scene.Options.DecisionsStream, ifUnused: false, ifEmpty: false);
        await scene.Raw.Channel.ExchangeDeleteAsync(scene.Options.EventsExchange);
        for (var i = 0; i < 2; i++)
        {
            var problems = await BrokerSetup.CheckAsync(scene.Options, default);
            Assert.Equal(2, problems.Count);
            Assert.Contains($"exchange {scene.Options.EventsExchange} is missing", problems[0].Text, StringComparison.Ordinal);
            Assert.Contains($"stream {scene.Options.DecisionsStream} is missing", problems[1].Text, StringComparison.Ordinal);
            Assert.All(problems, problem => Assert.Contains("contingious broker setup", problem.Text, StringComparison.Ordinal));
            Assert.All(problems, problem => Assert.Equal(BrokerProblemKind.Missing, problem.Kind));
        }
    }

    [Fact]
    public async Task What_was_declared_otherwise_is_explained_and_left_alone()
    {
        await using var scene = await StartAsync();
        var queue = scene.Options.JobsQueueOf(JobClass.Batch);
        await scene.Raw.Channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false);
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = 3, ["x-dead-letter-exchange"] = scene.Options.DeadExchange };
        await scene.Raw.Channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments);
        await scene.Raw.PostAsync(new byte[] { 1 }, null, ofClass: JobClass.Batch);
        var fault = await Assert.ThrowsAsync<ContingiousException>(() => BrokerSetup.DeclareAsync(scene.Options, default));
        Assert.Contains($"inequivalent arg 'x-delivery-limit' for queue '{queue}'", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"rabbitmqctl delete_queue {queue}", fault.Message, StringComparison.Ordinal);
        var problem = Assert.Single(await BrokerSetup.CheckAsync(scene.Options, default));
        Assert.Equal((BrokerProblemKind.Otherwise, fault.Message), (problem.Kind, problem.Text));
        await scene.Raw.WaitForReadyAsync(queue, 1);
    }

    [Fact]
    public async Task A_check_of_a_new_broker_names_all_parts_and_makes_none()
    {
        var options = broker.NewOptions();
        for (var i = 0; i < 2; i++)
        {
            var problems = await BrokerSetup.CheckAsync(options, default);
            Assert.Equal(11, problems.Count);
            Assert.All(problems, problem => Assert.Equal(BrokerProblemKind.Missing, problem.Kind));
        }
    }

    [Fact]
    public async Task A_check_sees_that_nobody_hears_cancels_and_binds_nothing()
    {
        await using var scene = await StartAsync();
        var feed = await scene.NewControlAsync();
        await scene.Raw.Channel.QueueUnbindAsync(scene.Options.ControlStream, scene.Options.ControlExchange, "");
        for (var i = 0; i < 2; i++)
        {
            var problem = Assert.Single(await BrokerSetup.CheckAsync(scene.Options, default));
            Assert.Equal((BrokerProblemKind.Missing, $"binding of the stream {scene.Options.ControlStream} to the exchange {scene.Options.ControlExchange}"), (problem.Kind, problem.Part));
        }

        await BrokerSetup.DeclareAsync(scene.Options, default);
        Assert.Empty(await BrokerSetup.CheckAsync(scene.Options, default));
        // What the check posted means nothing to agents.
        var asked = feed.CancelAsked("a", 1);
        await using var client = await ControlClient.ConnectAsync(scene.Options, default);
        await client.CancelAsync("a", 1, default);
        await QueueScene.UntilAsync(() => asked.IsCancellationRequested, "the cancel is heard");
    }

    [Fact]
    public async Task The_command_declares_and_its_check_exits_by_what_it_finds()
    {
        await using var scene = await StartAsync();
        var env = new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = broker.Uri.OriginalString, ["CONTINGIOUS_BROKER_PREFIX"] = scene.Options.Prefix };
        var declared = await Cli.RunAsync(env, "broker", "setup");
        Assert.True(declared.ExitCode == 0, declared.Stderr);
        Assert.Contains($"queue {scene.Options.JobsQueueOf(JobClass.Exam)}: declared", declared.Stdout, StringComparison.Ordinal);
        Assert.Equal(0, (await Cli.RunAsync(env, "broker", "setup", "--check")).ExitCode);
        await scene.Raw.Channel.QueueDeleteAsync(scene.Options.DeadQueue, ifUnused: false, ifEmpty: false);
        var check = await Cli.RunAsync(env, "broker", "setup", "--check");
        Assert.Equal(1, check.ExitCode);
        Assert.Contains($"queue {scene.Options.DeadQueue} is missing", check.Stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3.10.8", false)]
    [InlineData("3.11.28", false)]
    [InlineData("3.12.0", true)]
    [InlineData("4.3.5", true)]
    public void R4_The_queues_ask_for_their_own_timeout_only_where_the_broker_keeps_it(string version, bool asks)
    {
        var queues = Topology.Of(BrokerOptions.Parse(BrokerOptions.DefaultUri), Version.Parse(version)).OfType<TopologyQueue>().Where(queue => queue.Name.Contains(".jobs.", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, queues.Count);
        Assert.All(queues, queue => Assert.Equal(asks, queue.Arguments.ContainsKey("x-consumer-timeout")));
    }

    private Task<QueueScene> StartAsync()
    {
        var options = broker.NewOptions();
        return QueueScene.StartAsync(broker.Uri, options);
    }
}
