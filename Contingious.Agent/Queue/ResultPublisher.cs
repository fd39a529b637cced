using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>What became of a result that was published.</summary>
internal enum PublishFate
{
    /// <summary>The broker has it.</summary>
    Confirmed,

    /// <summary>Nobody waits for it: the queue it was to go to is not there any more.</summary>
    Unroutable,

    /// <summary>The broker does not take it.</summary>
    Refused,

    /// <summary>The connection was lost before the broker confirmed it; the job will be delivered again.</summary>
    Lost,
}

/// <summary>Publishes results and waits until the broker confirms each.</summary>
internal sealed class ResultPublisher(BrokerConnection connection, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim opening = new(1, 1);
    private IChannel? shared;

    /// <param name="replyTo">The queue's name.</param>
    /// <param name="correlationId">What the sender knows its job by.</param>
    /// <param name="body">An encoded result.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<PublishFate> PublishAsync(string replyTo, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            var channel = await SharedChannelAsync(cancellation).ConfigureAwait(false);
            return await PublishAsync(channel, replyTo, correlationId, body, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            if (!connection.IsOpen) return PublishFate.Lost;
        }

        // The broker closed the shared channel, for this result or for another's: alone on a channel of its own it shows which.
        return await PublishAloneAsync(replyTo, correlationId, body, cancellation).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (shared is not null) await shared.DisposeAsync().ConfigureAwait(false);
        opening.Dispose();
    }

    private async Task<PublishFate> PublishAloneAsync(string replyTo, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            var channel = await connection.OpenPublishingChannelAsync(cancellation).ConfigureAwait(false);
            await using (channel.ConfigureAwait(false))
            {
                return await PublishAsync(channel, replyTo, correlationId, body, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            if (!connection.IsOpen) return PublishFate.Lost;
            logger.ResultRefused(replyTo, body.Length, error.Message);
            return PublishFate.Refused;
        }
    }

    private async Task<PublishFate> PublishAsync(IChannel channel, string replyTo, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            var properties = new BasicProperties { ContentType = WireFormat.ContentType, CorrelationId = correlationId, Persistent = true };
            await channel.BasicPublishAsync("", replyTo, mandatory: true, properties, body, cancellation).ConfigureAwait(false);
            return PublishFate.Confirmed;
        }
        catch (PublishException error) when (error.IsReturn)
        {
            return PublishFate.Unroutable;
        }
        catch (PublishException error)
        {
            logger.ResultRefused(replyTo, body.Length, error.Message);
            return PublishFate.Refused;
        }
    }

    private async Task<IChannel> SharedChannelAsync(CancellationToken cancellation)
    {
        await opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (shared is { IsOpen: true }) return shared;
            if (shared is not null && connection.IsOpen) await shared.DisposeAsync().ConfigureAwait(false);
            return shared = await connection.OpenPublishingChannelAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            opening.Release();
        }
    }
}
