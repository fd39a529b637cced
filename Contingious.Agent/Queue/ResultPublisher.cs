using Contingious.Agent.Wire;
using Contingious.Engine;
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
internal sealed class ResultPublisher(BrokerConnection connection, ILogger logger) : IResultPublisher, IAsyncDisposable
{
    private readonly PublishingChannel shared = new(connection);

    /// <summary>
    /// To the results exchange first, where a listener may or may not be; then to whoever waits, who need not wait for that. The fate is that of the latter,
    /// and where nobody waits, or the connection went, that of the former.
    /// </summary>
    public async Task<PublishFate> PublishAsync(ResultAddress address, ReadOnlyMemory<byte> result, CancellationToken cancellation)
    {
        var key = $"{WireNames<JobClass>.Of(address.Class)}.{address.JobId}";
        var told = address.JobId.Length > 0 ? PublishAsync(new Target(connection.Broker.ResultsExchange, key, false), address.CorrelationId, result, cancellation) : Task.FromResult(PublishFate.Unroutable);
        var answered = address.ReplyTo is { } replyTo ? PublishAsync(new Target("", replyTo, true), address.CorrelationId, result, cancellation) : told;
        var fates = await Task.WhenAll(told, answered).ConfigureAwait(false);
        return fates[0] == PublishFate.Lost ? PublishFate.Lost : fates[1];
    }

    public ValueTask DisposeAsync() => shared.DisposeAsync();

    private async Task<PublishFate> PublishAsync(Target target, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        // Whoever has no connection does not wait for one here, wherever it goes: the job comes again, to this agent or to another.
        var lost = connection.Lost;
        if (!connection.IsOpen) return PublishFate.Lost;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lost);
        try
        {
            return await PublishOverAsync(target, correlationId, body, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return PublishFate.Lost;
        }
    }

    private async Task<PublishFate> PublishOverAsync(Target target, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            return await PublishAsync(shared, target, correlationId, body, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            if (!connection.IsOpen) return PublishFate.Lost;
        }

        // The broker closed the shared channel, for this result or for another's: alone on a channel of its own it shows which.
        return await PublishAloneAsync(target, correlationId, body, cancellation).ConfigureAwait(false);
    }

    private async Task<PublishFate> PublishAloneAsync(Target target, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var alone = new PublishingChannel(connection);
        await using (alone.ConfigureAwait(false))
        {
            try
            {
                return await PublishAsync(alone, target, correlationId, body, cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                if (!connection.IsOpen || BrokerFaults.SaidBy(error) is not { } said) return PublishFate.Lost;
                if (said.ReplyCode == BrokerFaults.NotFound && await RepairAsync(cancellation).ConfigureAwait(false))
                {
                    // Whoever listened to it was bound to the one that is gone: that the broker would have taken it is all there is to know.
                    return PublishFate.Confirmed;
                }

                logger.ResultRefused(target.Name, body.Length, error.Message);
                return PublishFate.Refused;
            }
        }
    }

    private async Task<PublishFate> PublishAsync(PublishingChannel channel, Target target, string correlationId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            var properties = new BasicProperties { ContentType = WireFormat.ContentType, CorrelationId = correlationId, Persistent = true };
            await channel.PublishAsync(target.Exchange, target.Key, target.Mandatory, properties, body, cancellation).ConfigureAwait(false);
            return PublishFate.Confirmed;
        }
        catch (PublishException error) when (error.IsReturn)
        {
            return PublishFate.Unroutable;
        }
        catch (PublishException error)
        {
            logger.ResultRefused(target.Name, body.Length, error.Message);
            return PublishFate.Refused;
        }
    }

    /// <summary>The exchange was deleted.</summary>
    private async Task<bool> RepairAsync(CancellationToken cancellation)
    {
        try
        {
            await new TopologyCheck(connection).EnsureAsync(cancellation).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is ContingiousException || BrokerFaults.IsLost(error))
        {
            logger.QueueMissing(error.Message);
            return false;
        }
    }

    private sealed record Target(string Exchange, string Key, bool Mandatory)
    {
        public string Name => Exchange.Length == 0 ? Key : Exchange;
    }
}
