using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>A record of a stream. Its body is the library's, and gone after the call that it came with.</summary>
internal sealed record StreamRecord(long Offset, IDictionary<string, object?>? Headers, ReadOnlyMemory<byte> Body);

/// <summary>What the library calls for the records of a stream, one after another.</summary>
internal sealed class StreamConsumer(IChannel channel, Func<ulong, StreamRecord, Task> take, Action cancelled) : AsyncDefaultBasicConsumer(channel)
{
    public override async Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default)
    {
        if (properties.Headers?.TryGetValue("x-stream-offset", out var value) != true || Headers.Number(value) is not { } offset) return;
        try
        {
            await take(deliveryTag, new StreamRecord(offset, properties.Headers, body)).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            // Its acknowledgement found the channel closed; who follows the stream learns of that itself.
        }
    }

    /// <summary>The stream was deleted, or its leader moved.</summary>
    public override async Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        await base.HandleBasicCancelAsync(consumerTag, cancellationToken).ConfigureAwait(false);
        cancelled();
    }
}
