using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>A channel that publishes and waits for the broker's confirmation; where it was closed, the next message opens another.</summary>
internal sealed class PublishingChannel(BrokerConnection connection) : IAsyncDisposable
{
    private readonly SemaphoreSlim opening = new(1, 1);
    private IChannel? channel;
    private CancellationToken lostWith;

    /// <summary>Returns when the broker has the message. Waits for a connection where there is none.</summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.PublishException">The broker refused it, or (mandatory) there is no queue for it.</exception>
    /// <exception cref="Exception">As <see cref="BrokerFaults.IsLost"/> knows: the channel went before the confirmation. The broker may have the message.</exception>
    public async Task PublishAsync(
        string exchange, string routingKey, bool mandatory, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var (open, lost) = await OpenAsync(cancellation).ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lost);
        try
        {
            await open.BasicPublishAsync(exchange, routingKey, mandatory, properties, body, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (lost.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // The library itself would wait for ever, where the connection went in the middle of a large message.
            throw new IOException("the connection was lost before the broker confirmed", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (channel is not null) await channel.DisposeQuietlyAsync().ConfigureAwait(false);
    }

    private async Task<(IChannel Channel, CancellationToken Lost)> OpenAsync(CancellationToken cancellation)
    {
        await opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (channel is { IsOpen: true } && !lostWith.IsCancellationRequested) return (channel, lostWith);
            if (channel is not null) _ = channel.DisposeQuietlyAsync();
            (channel, lostWith) = await connection.OpenPublishingChannelAsync(cancellation).ConfigureAwait(false);
            return (channel, lostWith);
        }
        finally
        {
            opening.Release();
        }
    }
}
