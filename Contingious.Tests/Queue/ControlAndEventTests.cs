using System.Text;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using RabbitMQ.Client;

namespace Contingious.Tests.Queue;

/// <summary>What agents are told, and what they tell.</summary>
[Collection(BrokerTests.Name)]
public sealed class ControlAndEventTests(PrivateBroker broker)
{
    [Fact]
    public async Task A_cancel_is_heard_by_every_agent_that_is_there_and_by_one_that_comes_later()
    {
        await using var scene = await StartAsync();
        var (one, other) = (await scene.NewControlAsync(), await scene.NewControlAsync());
        var (asked, elsewhere, another) = (one.CancelAsked("a", 1), other.CancelAsked("a", 1), one.CancelAsked("a", 2));
        await using var client = await ControlClient.ConnectAsync(scene.Options, default);
        await client.CancelAsync("a", 1, default);
        await QueueScene.UntilAsync(() => asked.IsCancellationRequested && elsewhere.IsCancellationRequested, "both agents hear of it");
        Assert.False(another.IsCancellationRequested);
        var late = await scene.NewControlAsync();
        Assert.True(late.CancelAsked("a", 1).IsCancellationRequested);
        Assert.False(late.CancelAsked("b", 1).IsCancellationRequested);
    }

    [Fact]
    public async Task A_cancel_without_an_attempt_is_for_all_of_them()
    {
        await using var scene = await StartAsync();
        var feed = await scene.NewControlAsync();
        var (first, second) = (feed.CancelAsked("a", 1), feed.CancelAsked("a", 2));
        await using var client = await ControlClient.ConnectAsync(scene.Options, default);
        await client.CancelAsync("a", null, default);
        await QueueScene.UntilAsync(() => first.IsCancellationRequested && second.IsCancellationRequested, "both attempts are cancelled");
        Assert.True(feed.CancelAsked("a", 3).IsCancellationRequested);
    }

    [Fact]
    public async Task R6_Cancels_are_heard_over_a_connection_that_was_lost_meanwhile()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await StartAsync(proxy.Uri);
        var feed = await scene.NewControlAsync();
        var asked = feed.CancelAsked("a", 1);
        proxy.Down();
        await using var client = await ControlClient.ConnectAsync(BrokerOptions.Parse(broker.Uri.OriginalString, scene.Options.Prefix), default);
        await client.CancelAsync("a", 1, default);
        Assert.False(asked.IsCancellationRequested);
        proxy.Up();
        await QueueScene.UntilAsync(() => asked.IsCancellationRequested, "the cancel is heard");
    }

    [Fact]
    public async Task R1_What_is_no_control_message_tells_agents_nothing_and_stops_nothing()
    {
        await using var scene = await StartAsync();
        var feed = await scene.NewControlAsync();
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var junk = new byte[random.Next(200)];
            random.NextBytes(junk);
            await scene.Raw.Channel.BasicPublishAsync(scene.Options.ControlExchange, "", false, new BasicProperties(), junk);
        }

        var asked = feed.CancelAsked("a", 1);
        await using var client = await ControlClient.ConnectAsync(scene.Options, default);
        await client.CancelAsync("a", 1, default);
        await QueueScene.UntilAsync(() => asked.IsCancellationRequested, "the cancel is heard");
    }

    [Fact]
    public async Task Agents_answer_when_they_are_asked_how_they_are_and_not_for_what_was_asked_before_them()
    {
        await using var scene = await StartAsync();
        await using (var early = await ControlClient.ConnectAsync(scene.Options, default)) await early.AskForReportsAsync(default);
        var answered = 0;
        foreach (var name in new[] { "grader-1", "lab.grader-2" })
        {
            var feed = await scene.NewControlAsync();
            var events = scene.Add(new EventPublisher(await scene.ConnectAsync(), scene.Log));
            feed.ReportAsked = () =>
            {
                Interlocked.Increment(ref answered);
                _ = events.PublishStatusAsync(Encoding.UTF8.GetBytes($"I am {name}"), name, default);
            };
        }

        await using var reader = await StatusReader.ConnectAsync(scene.Options, default);
        var said = await reader.AskAsync(TimeSpan.FromSeconds(2), default);
        Assert.Equal(["grader-1: I am grader-1", "lab.grader-2: I am lab.grader-2"], said.Select(status => $"{status.AgentName}: {Encoding.UTF8.GetString(status.Body.Span)}"));
        Assert.Equal(2, answered);
    }

    [Fact]
    public async Task Events_of_a_job_come_in_their_order_to_who_listens_to_it_alone()
    {
        await using var scene = await StartAsync();
        var events = scene.Add(new EventPublisher(await scene.ConnectAsync(), scene.Log));
        await using var one = await EventReader.ConnectAsync(scene.Options, "job.a", default);
        await using var all = await EventReader.ConnectAsync(scene.Options, null, default);
        foreach (var id in new[] { "job.a", "job.b" })
        {
            events.Post(Happened(id, JobEventKind.Accepted));
            events.Post(Happened(id, JobEventKind.Started) with { Step = "check" });
            for (var i = 0; i < 20; i++) events.Post(Happened(id, JobEventKind.Output) with { Step = "check", IsStderr = i % 2 == 1, Data = Encoding.UTF8.GetBytes($"line {i}") });
            events.Post(Happened(id, JobEventKind.Step) with { Step = "check", Outcome = Outcome.NonZeroExit });
            events.Post(Happened(id, JobEventKind.Finished) with { Outcome = Outcome.NonZeroExit });
        }

        var heard = await ReadAsync(one, 24);
        Assert.Equal([JobEventKind.Accepted, JobEventKind.Started, .. Enumerable.Repeat(JobEventKind.Output, 20), JobEventKind.Step, JobEventKind.Finished], heard.Select(each => each.Kind));
        Assert.All(heard, each => Assert.Equal(("job.a", 3), (each.JobId, each.Attempt)));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"line {i}"), heard.Skip(2).Take(20).Select(each => Encoding.UTF8.GetString(each.Data.Span)));
        Assert.Equal(("check", Outcome.NonZeroExit, true), (heard[22].Step, heard[22].Outcome, heard[3].IsStderr));
        Assert.Equal(48, (await ReadAsync(all, 48)).Count);
    }

    [Fact]
    public async Task R6_The_final_event_of_a_job_is_sent_when_the_connection_is_back()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await StartAsync(proxy.Uri);
        var connection = await scene.ConnectAsync();
        var events = scene.Add(new EventPublisher(connection, scene.Log));
        await using var reader = await EventReader.ConnectAsync(BrokerOptions.Parse(broker.Uri.OriginalString, scene.Options.Prefix), "a", default);
        proxy.Down();
        await QueueScene.UntilAsync(() => !connection.IsOpen, "the connection is lost");
        events.Post(Happened("a", JobEventKind.Finished) with { Outcome = Outcome.Ok });
        proxy.Up();
        Assert.Equal(JobEventKind.Finished, Assert.Single(await ReadAsync(reader, 1)).Kind);
    }

    [Fact]
    public void What_is_too_much_is_dropped_output_first_and_never_what_is_final()
    {
        var queue = new EventQueue(10, 1_000);
        queue.Add(Happened("a", JobEventKind.Accepted));
        for (var i = 0; i < 50; i++)
        {
            queue.Add(Happened("a", JobEventKind.Output) with { Data = new byte[300] });
            queue.Add(Happened($"job-{i}", JobEventKind.Finished));
        }

        var left = queue.TakeAll();
        Assert.Equal((1, 3, 50), (Count(JobEventKind.Accepted), Count(JobEventKind.Output), Count(JobEventKind.Finished)));
        Assert.Equal(47, queue.Dropped);
        queue.PutBack(left);
        Assert.Equal(50, queue.TakeAll().Count);

        int Count(JobEventKind kind) => left.Count(each => each.Kind == kind);
    }

    private static JobEvent Happened(string id, JobEventKind kind) => new(id, 3, kind, DateTimeOffset.UnixEpoch.AddSeconds(1_800_000_000));

    private static async Task<List<JobEvent>> ReadAsync(EventReader reader, int count)
    {
        using var deadline = new CancellationTokenSource(QueueScene.Patience);
        var heard = new List<JobEvent>();
        await foreach (var each in reader.ReadAllAsync(deadline.Token))
        {
            heard.Add(each);
            if (heard.Count == count) break;
        }

        return heard;
    }

    private Task<QueueScene> StartAsync(string? uri = null)
    {
        var options = broker.NewOptions(uri);
        return QueueScene.StartAsync(broker.Uri, options);
    }
}
