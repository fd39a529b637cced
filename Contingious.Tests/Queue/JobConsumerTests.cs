using Contingious.Agent.Queue;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Queue;

[Collection(BrokerTests.Name)]
public sealed class JobConsumerTests(PrivateBroker broker)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task As_many_are_taken_as_there_are_slots()
    {
        await using var test = await StartAsync(slots: 2);
        for (var i = 0; i < 5; i++) await test.Raw.PostAsync(new byte[] { (byte)i }, null);
        var first = await test.NextAsync();
        _ = await test.NextAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => test.NextAsync(TimeSpan.FromMilliseconds(300)));
        await first.AckAsync();
        _ = await test.NextAsync();
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_known_by_its_size_alone()
    {
        await using var test = await StartAsync(slots: 1);
        await test.Raw.PostAsync(new byte[(32 << 20) + 1], "somewhere", "c-1");
        var delivery = await test.NextAsync();
        Assert.Equal((0, (32 << 20) + 1L, "somewhere", "c-1"), (delivery.Body.Length, delivery.Size, delivery.ReplyTo, delivery.CorrelationId));
    }

    [Fact]
    public async Task What_is_given_back_too_often_goes_to_the_dead_letters()
    {
        await using var test = await StartAsync(slots: 1);
        await test.Raw.PostAsync(new byte[] { 7 }, null);
        for (var i = 0; i <= Topology.DeliveryLimit; i++)
        {
            var delivery = await test.NextAsync();
            Assert.Equal(i > 0, delivery.Redelivered);
            await delivery.RejectAsync(requeue: true);
        }

        Assert.Equal(7, (await test.Raw.TakeAsync(test.Options.DeadQueue)).Body.Span[0]);
    }

    [Fact]
    public async Task A_channel_that_the_broker_closed_is_opened_again()
    {
        await using var test = await StartAsync(slots: 1);
        await test.Raw.PostAsync(new byte[] { 1 }, null);
        var held = await test.NextAsync();
        // The broker answers an unknown delivery tag with PRECONDITION_FAILED, as it does when an acknowledgement is 30 minutes late.
        var closed = test.Consumer.OpenChannel;
        Assert.NotNull(closed);
        await closed.BasicAckAsync(4_711, multiple: false);

        var again = await test.NextAsync();
        Assert.True(again.Redelivered);
        await held.AckAsync();
        await again.AckAsync();
        await test.Raw.PostAsync(new byte[] { 2 }, null);
        Assert.Equal(2, (await test.NextAsync()).Body.Span[0]);
    }

    [Fact]
    public async Task A_queue_that_was_deleted_is_declared_again()
    {
        await using var test = await StartAsync(slots: 1);
        await test.Raw.Channel.QueueDeleteAsync(test.Options.JobsQueue, ifUnused: false, ifEmpty: false);
        for (var i = 0; !test.Log.Text.Contains("reopened", StringComparison.Ordinal) && i < 300; i++) await Task.Delay(100);
        await test.Raw.PostAsync(new byte[] { 3 }, null);
        Assert.Equal(3, (await test.NextAsync()).Body.Span[0]);
    }

    [Fact]
    public async Task A_stale_delivery_can_be_settled_after_the_connection_came_back()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var test = await StartAsync(slots: 2, proxy.Uri);
        await test.Raw.PostAsync(new byte[] { 1 }, null);
        var stale = await test.NextAsync();
        proxy.Cut();
        var again = await test.NextAsync();
        Assert.True(again.Redelivered);
        await stale.AckAsync();
        await again.AckAsync();
        await test.Raw.PostAsync(new byte[] { 2 }, null);
        var next = await test.NextAsync();
        Assert.Equal(2, next.Body.Span[0]);
        await next.AckAsync();
        await test.Consumer.StopAsync();
        await test.Raw.WaitForReadyAsync(test.Options.JobsQueue, 0);
    }

    private async Task<Scene> StartAsync(int slots, string? uri = null)
    {
        var options = broker.NewOptions(uri);
        var log = new ListLogger<JobConsumer>();
        var connection = await BrokerConnection.OpenAsync(options, "test", NullLogger.Instance, default);
        var consumer = await JobConsumer.StartAsync(connection, options, slots, log, default);
        var raw = await RawClient.ConnectAsync(broker.Uri, options);
        return new Scene(options, connection, consumer, raw, log);
    }

    private sealed record Scene(BrokerOptions Options, BrokerConnection Connection, JobConsumer Consumer, RawClient Raw, ListLogger<JobConsumer> Log) : IAsyncDisposable
    {
        public async Task<Delivery> NextAsync(TimeSpan? patience = null)
        {
            using var deadline = new CancellationTokenSource(patience ?? Patience);
            return await Consumer.Deliveries.ReadAsync(deadline.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await Consumer.DisposeAsync();
            await Connection.DisposeAsync();
            await Raw.DisposeAsync();
        }
    }
}
