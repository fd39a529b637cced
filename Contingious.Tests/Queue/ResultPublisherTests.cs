using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

[Collection(BrokerTests.Name)]
public sealed class ResultPublisherTests(PrivateBroker broker)
{
    [Fact]
    public async Task A_result_goes_to_who_waits_and_to_who_listens()
    {
        await using var scene = await StartAsync();
        var publisher = await NewPublisherAsync(scene);
        var replies = await scene.Raw.DeclareReplyQueueAsync();
        var listening = await scene.Raw.DeclareReplyQueueAsync();
        await scene.Raw.Channel.QueueBindAsync(listening, scene.Options.ResultsExchange, "exam.#");
        var fate = await publisher.PublishAsync(new ResultAddress("job.1", JobClass.Exam, replies, "c-1"), new byte[] { 7 }, default);
        Assert.Equal(PublishFate.Confirmed, fate);
        var reply = await scene.Raw.TakeAsync(replies);
        Assert.Equal(("c-1", (byte)7), (reply.BasicProperties.CorrelationId, reply.Body.Span[0]));
        var heard = await scene.Raw.TakeAsync(listening);
        Assert.Equal(("exam.job.1", (byte)7), (heard.RoutingKey, heard.Body.Span[0]));
    }

    [Fact]
    public async Task A_result_that_nobody_waits_for_is_unroutable_or_with_the_exchange()
    {
        await using var scene = await StartAsync();
        var publisher = await NewPublisherAsync(scene);
        Assert.Equal(PublishFate.Unroutable, await publisher.PublishAsync(new ResultAddress("a", JobClass.Exam, "gone", "c"), new byte[1], default));
        Assert.Equal(PublishFate.Confirmed, await publisher.PublishAsync(new ResultAddress("a", JobClass.Exam, null, "c"), new byte[1], default));
        Assert.Equal(PublishFate.Unroutable, await publisher.PublishAsync(new ResultAddress("", JobClass.Exam, null, "c"), new byte[1], default));
    }

    [Fact]
    public async Task A_results_exchange_that_was_deleted_keeps_no_answer_from_who_waits()
    {
        await using var scene = await StartAsync();
        var publisher = await NewPublisherAsync(scene);
        var replies = await scene.Raw.DeclareReplyQueueAsync();
        await scene.Raw.Channel.ExchangeDeleteAsync(scene.Options.ResultsExchange);
        Assert.Equal(PublishFate.Confirmed, await publisher.PublishAsync(new ResultAddress("a", JobClass.Exam, replies, "c"), new byte[1], default));
        Assert.Equal(1u, await scene.Raw.CountReadyAsync(replies));
        // It is there again for the next one.
        Assert.Equal(PublishFate.Confirmed, await publisher.PublishAsync(new ResultAddress("b", JobClass.Exam, null, "c"), new byte[1], default));
    }

    [Fact]
    public async Task R6_A_result_whose_connection_is_lost_is_lost_and_the_next_one_is_not()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await StartAsync(proxy.Uri);
        var publisher = await NewPublisherAsync(scene);
        var replies = await scene.Raw.DeclareReplyQueueAsync();
        proxy.Down();
        var publishing = Enumerable.Range(0, 8).Select(i => publisher.PublishAsync(new ResultAddress($"job-{i}", JobClass.Exam, replies, $"{i}"), new byte[10 << 20], default)).ToList();
        // While nothing can come back: nobody waits for the next connection, which comes only below.
        var fates = await Task.WhenAll(publishing).WaitAsync(QueueScene.Patience);
        Assert.All(fates, fate => Assert.Equal(PublishFate.Lost, fate));
        proxy.Up();
        var next = PublishFate.Lost;
        for (var i = 0; next == PublishFate.Lost && i < 200; i++)
        {
            next = await publisher.PublishAsync(new ResultAddress("next", JobClass.Exam, replies, "next"), new byte[1], default);
            if (next == PublishFate.Lost) await Task.Delay(50);
        }

        Assert.Equal(PublishFate.Confirmed, next);
    }

    private static async Task<ResultPublisher> NewPublisherAsync(QueueScene scene) => scene.Add(new ResultPublisher(await scene.ConnectAsync(), scene.Log));

    private Task<QueueScene> StartAsync(string? uri = null)
    {
        var options = broker.NewOptions(uri);
        return QueueScene.StartAsync(broker.Uri, options);
    }
}
