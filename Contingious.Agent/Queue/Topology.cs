using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>The queues of docs/wire.md, declared by whoever comes first: an agent or a client.</summary>
internal static class Topology
{
    /// <summary>A job that was given back more often than this goes to the dead letters: it may be what kills its agents.</summary>
    public const int DeliveryLimit = 3;

    /// <exception cref="Engine.ContingiousException">They exist with other arguments, or the user may not declare them.</exception>
    public static async Task DeclareAsync(IChannel channel, BrokerOptions broker, CancellationToken cancellation)
    {
        try
        {
            await channel.ExchangeDeclareAsync(broker.DeadExchange, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellation).ConfigureAwait(false);
            await channel.QueueDeclareAsync(broker.DeadQueue, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancellation).ConfigureAwait(false);
            await channel.QueueBindAsync(broker.DeadQueue, broker.DeadExchange, "", cancellationToken: cancellation).ConfigureAwait(false);
            await channel.QueueDeclareAsync(broker.JobsQueue, durable: true, exclusive: false, autoDelete: false, JobsArguments(broker), cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (OperationInterruptedException error) when (error is not AlreadyClosedException)
        {
            throw BrokerFaults.Declaring(broker, error);
        }
    }

    private static Dictionary<string, object?> JobsArguments(BrokerOptions broker) => new()
    {
        ["x-queue-type"] = "quorum",
        ["x-dead-letter-exchange"] = broker.DeadExchange,
        ["x-delivery-limit"] = DeliveryLimit,
    };
}
