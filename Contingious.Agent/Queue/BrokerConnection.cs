using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>
/// One connection to the broker. The client library reconnects by itself and restores channels, queues and consumers;
/// a channel that the broker closed for a reason of its own is not restored by it, which is its owner's to do.
/// </summary>
internal sealed class BrokerConnection : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RecoveryInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly IConnection connection;

    private BrokerConnection(IConnection connection) => this.connection = connection;

    public bool IsOpen => connection.IsOpen;

    /// <exception cref="Engine.ContingiousException">Nobody answers, or the user is refused; the sentence says what to do.</exception>
    public static async Task<BrokerConnection> OpenAsync(BrokerOptions broker, string clientName, ILogger logger, CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            Uri = broker.Uri,
            ClientProvidedName = clientName,
            AutomaticRecoveryEnabled = true,
            TopologyRecoveryEnabled = true,
            NetworkRecoveryInterval = RecoveryInterval,
            RequestedConnectionTimeout = ConnectTimeout,
            // Above what is decoded, so that a job that is too large is answered: beyond this the library closes the connection,
            // and the broker would deliver the job again and again.
            MaxInboundMessageBodySize = (uint)WireFormat.MaxMessage.Bytes * 4,
        };
        try
        {
            var connection = await OpenUsableAsync(factory, cancellation).ConfigureAwait(false);
            connection.ConnectionShutdownAsync += (_, reason) =>
            {
                if (reason.Initiator != ShutdownInitiator.Application) logger.ConnectionLost(broker.Address, reason.ReplyText);
                return Task.CompletedTask;
            };
            connection.RecoverySucceededAsync += (_, _) =>
            {
                logger.ConnectionRestored(broker.Address);
                return Task.CompletedTask;
            };
            logger.Connected(broker);
            return new BrokerConnection(connection);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw BrokerFaults.Connecting(broker, error);
        }
    }

    /// <summary>A channel whose publishing waits for the broker's confirmation.</summary>
    public Task<IChannel> OpenPublishingChannelAsync(CancellationToken cancellation) => connection.CreateChannelAsync(
        new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);

    public Task<IChannel> OpenConsumingChannelAsync(int concurrency, CancellationToken cancellation) => connection.CreateChannelAsync(
        new CreateChannelOptions(false, false, consumerDispatchConcurrency: (ushort)concurrency), cancellation);

    /// <summary>Has <paramref name="restored"/> called whenever the connection is back.</summary>
    public void WhenRestored(Func<Task> restored) => connection.RecoverySucceededAsync += (_, _) => restored();

    public async ValueTask DisposeAsync()
    {
        try
        {
            await connection.CloseAsync(CloseTimeout).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error) || error is OperationCanceledException)
        {
            // It is closed already, or the broker does not answer any more: either way it is over.
        }

        await connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The library reports a refused virtual host with the first channel only, so one is opened here.</summary>
    private static async Task<IConnection> OpenUsableAsync(ConnectionFactory factory, CancellationToken cancellation)
    {
        var connection = await factory.CreateConnectionAsync(cancellation).ConfigureAwait(false);
        try
        {
            var probe = await connection.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false);
            await probe.DisposeAsync().ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
