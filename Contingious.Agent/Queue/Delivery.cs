using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>A job's message as it came from the queue. It stays the broker's until it is acknowledged or rejected.</summary>
internal sealed class Delivery
{
    private readonly IChannel channel;
    private readonly ulong tag;
    private readonly ILogger logger;

    /// <param name="channel">Where it came from, and where it is settled.</param>
    /// <param name="delivery">Its body is the library's and is gone after the callback, so it is copied here.</param>
    /// <param name="largest">Bytes; a larger body is not copied.</param>
    /// <param name="logger">Hears of deliveries that could not be settled.</param>
    public Delivery(IChannel channel, BasicDeliverEventArgs delivery, long largest, ILogger logger)
    {
        this.channel = channel;
        this.logger = logger;
        tag = delivery.DeliveryTag;
        Size = delivery.Body.Length;
        Body = Size <= largest ? delivery.Body.ToArray() : ReadOnlyMemory<byte>.Empty;
        ReplyTo = delivery.BasicProperties.ReplyTo is { Length: > 0 } replyTo ? replyTo : null;
        CorrelationId = delivery.BasicProperties.CorrelationId is { Length: > 0 } id ? id : null;
        Redelivered = delivery.Redelivered;
    }

    /// <summary>Empty where <see cref="Size"/> is more than a job may have.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Bytes of the message, copied or not.</summary>
    public long Size { get; }

    /// <summary>The queue that the answer goes to, or nothing where nobody waits for one.</summary>
    public string? ReplyTo { get; }

    public string? CorrelationId { get; }

    /// <summary>It was delivered before: to this agent over a lost connection, or to one that is gone.</summary>
    public bool Redelivered { get; }

    public Task AckAsync() => SettleAsync(() => channel.BasicAckAsync(tag, multiple: false));

    /// <param name="requeue">Whether it is to be delivered again; else it goes to the dead letters.</param>
    public Task RejectAsync(bool requeue) => SettleAsync(() => channel.BasicRejectAsync(tag, requeue));

    /// <summary>Where the connection was lost the broker has requeued the message: it comes again, and is known by its job's id then.</summary>
    private async Task SettleAsync(Func<ValueTask> settle)
    {
        try
        {
            await settle().ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            logger.DeliveryWentStale(tag);
        }
    }
}
