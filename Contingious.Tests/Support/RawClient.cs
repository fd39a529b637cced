using Contingious.Agent.Queue;
using RabbitMQ.Client;

namespace Contingious.Tests.Support;

/// <summary>A client of the broker that is none of ours: it sends and sees whatever the tests want.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly IConnection connection;
    private readonly BrokerOptions broker;

    private RawClient(IConnection connection, IChannel channel, BrokerOptions broker)
    {
        this.connection = connection;
        this.broker = broker;
        Channel = channel;
    }

    public IChannel Channel { get; }

    public static async Task<RawClient> ConnectAsync(Uri uri, BrokerOptions broker)
    {
        var connection = await new ConnectionFactory { Uri = uri }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        return new RawClient(connection, channel, broker);
    }

    public async Task<string> DeclareReplyQueueAsync() => (await Channel.QueueDeclareAsync()).QueueName;

    public async Task PostAsync(ReadOnlyMemory<byte> body, string? replyTo, string? correlationId = null)
    {
        var properties = new BasicProperties { Persistent = true, ContentType = "application/msgpack" };
        if (replyTo is not null) properties.ReplyTo = replyTo;
        if (correlationId is not null) properties.CorrelationId = correlationId;
        await Channel.BasicPublishAsync("", broker.JobsQueue, mandatory: true, properties, body);
    }

    /// <summary>Waits for a message, and takes it.</summary>
    public async Task<BasicGetResult> TakeAsync(string queue, int seconds = 30)
    {
        for (var i = 0; i < seconds * 20; i++)
        {
            if (await Channel.BasicGetAsync(queue, autoAck: true) is { } message) return message;
            await Task.Delay(50);
        }

        throw new TimeoutException($"Nothing came to {queue} in {seconds} s.");
    }

    /// <summary>Messages in a queue that nobody holds.</summary>
    public Task<uint> CountReadyAsync(string queue) => Channel.MessageCountAsync(queue);

    /// <summary>Waits until a queue holds that many that are ready.</summary>
    public async Task WaitForReadyAsync(string queue, uint count)
    {
        for (var i = 0; i < 600; i++)
        {
            if (await CountReadyAsync(queue) == count) return;
            await Task.Delay(50);
        }

        throw new TimeoutException($"{queue} has {await CountReadyAsync(queue)} messages, not {count}.");
    }

    /// <summary>Takes the queues of the test away with it.</summary>
    public async ValueTask DisposeAsync()
    {
        await Channel.QueueDeleteAsync(broker.JobsQueue, ifUnused: false, ifEmpty: false);
        await Channel.QueueDeleteAsync(broker.DeadQueue, ifUnused: false, ifEmpty: false);
        await Channel.ExchangeDeleteAsync(broker.DeadExchange);
        await connection.DisposeAsync();
    }
}
