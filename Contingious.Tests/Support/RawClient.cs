using System.Diagnostics;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

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

    public Task<IChannel> OpenChannelAsync() => connection.CreateChannelAsync();

    public async Task<string> DeclareReplyQueueAsync() => (await Channel.QueueDeclareAsync()).QueueName;

    public async Task PostAsync(ReadOnlyMemory<byte> body, string? replyTo, string? correlationId = null, JobClass ofClass = JobClass.Interactive)
    {
        var properties = new BasicProperties { Persistent = true, ContentType = "application/msgpack" };
        if (replyTo is not null) properties.ReplyTo = replyTo;
        if (correlationId is not null) properties.CorrelationId = correlationId;
        await Channel.BasicPublishAsync("", broker.JobsQueueOf(ofClass), mandatory: true, properties, body);
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

    /// <summary>Waits until a queue holds that many that are ready: for half a minute in which nothing changes, and for ten in all.</summary>
    public async Task WaitForReadyAsync(string queue, uint count)
    {
        var (begun, changed, before) = (Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), uint.MaxValue);
        while (Stopwatch.GetElapsedTime(changed) < TimeSpan.FromSeconds(30) && Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMinutes(10))
        {
            var now = await CountReadyAsync(queue);
            if (now == count) return;
            if (now != before) changed = Stopwatch.GetTimestamp();
            before = now;
            await Task.Delay(50);
        }

        throw new TimeoutException($"{queue} has {before} messages, not {count}.");
    }

    /// <summary>Leaves the queues where they are.</summary>
    public ValueTask LeaveAsync() => connection.DisposeAsync();

    /// <summary>Takes the queues of the test away with it.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var part in Topology.Of(broker, new Version(4, 0)))
            {
                if (part is TopologyQueue) await Channel.QueueDeleteAsync(part.Name, ifUnused: false, ifEmpty: false);
                else await Channel.ExchangeDeleteAsync(part.Name);
            }
        }
        catch (OperationInterruptedException) when (!connection.IsOpen || !Channel.IsOpen)
        {
            // Its broker was killed meanwhile, and goes with all that it has.
        }

        await connection.DisposeAsync();
    }
}
