using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>
/// A connection to the broker that is made anew, for as long as it takes, whenever it is lost. Channels are not: whoever has one learns that it
/// is gone, and opens another. The client library's own recovery is off, for it would read streams again from where they were first read,
/// and does not bring back what the broker closed for a reason.
/// </summary>
internal sealed class BrokerConnection : IAsyncDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>A peer that is silent for twice as long is gone.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(20);

    private readonly BrokerOptions broker;
    private readonly ConnectionFactory factory;
    private readonly ILogger logger;
    private readonly CancellationTokenSource closing = new();
    private readonly Lock access = new();
    private CancellationTokenSource lost = new();
    private TaskCompletionSource<IConnection> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource unblocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IConnection? current;
    private Task reconnecting = Task.CompletedTask;

    private BrokerConnection(BrokerOptions broker, ConnectionFactory factory, ILogger logger)
    {
        this.broker = broker;
        this.factory = factory;
        this.logger = logger;
        unblocked.SetResult();
    }

    public bool IsOpen => current is { IsOpen: true };

    /// <summary>The broker takes nothing now, as when its memory or its disk is used up.</summary>
    public bool IsBlocked => !unblocked.Task.IsCompleted;

    /// <summary>How often it was lost.</summary>
    public int Losses { get; private set; }

    /// <summary>What the broker says it is; 0.0 where it does not say.</summary>
    public Version BrokerVersion { get; private set; } = new(0, 0);

    public BrokerOptions Broker => broker;

    /// <summary>Cancelled when the connection that there is now is lost; already so where there is none.</summary>
    public CancellationToken Lost
    {
        get
        {
            lock (access) return lost.Token;
        }
    }

    /// <exception cref="ContingiousException">Nobody answers, or the user is refused; the sentence says what to do.</exception>
    public static async Task<BrokerConnection> OpenAsync(BrokerOptions broker, string clientName, ILogger logger, CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            HostName = broker.Host,
            Port = broker.Port,
            VirtualHost = broker.VirtualHost,
            UserName = broker.User,
            Password = broker.Password,
            ClientProvidedName = clientName,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedConnectionTimeout = ConnectTimeout,
            RequestedHeartbeat = Heartbeat,
            // Above what is decoded, so that a job that is too large is answered: beyond this the library closes the connection,
            // and the broker would deliver the job again and again.
            MaxInboundMessageBodySize = (uint)WireFormat.MaxMessage.Bytes * 4,
        };
        if (broker.Tls is { } tls) factory.Ssl = tls.ToOption();
        var connection = new BrokerConnection(broker, factory, logger);
        try
        {
            connection.Use(await OpenUsableAsync(factory, cancellation).ConfigureAwait(false));
            logger.Connected(broker);
            return connection;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw BrokerFaults.Connecting(broker, error);
        }
    }

    /// <summary>
    /// A channel whose publishing waits for the broker's confirmation, and a token that is cancelled when the connection is lost.
    /// Waits for a connection where there is none.
    /// </summary>
    public async Task<(IChannel Channel, CancellationToken Lost)> OpenPublishingChannelAsync(CancellationToken cancellation)
    {
        var channel = await OpenChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation).ConfigureAwait(false);
        // Where the connection changed meanwhile the token is the next one's: the channel is closed then, and publishes nothing.
        lock (access) return (channel, lost.Token);
    }

    /// <summary>A channel to take messages from, which calls one callback after another. Waits for a connection where there is none.</summary>
    public Task<IChannel> OpenConsumingChannelAsync(CancellationToken cancellation) =>
        OpenChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false, consumerDispatchConcurrency: 1), cancellation);

    /// <summary>Waits while the broker takes nothing.</summary>
    public Task WaitUntilUnblockedAsync(CancellationToken cancellation) => unblocked.Task.WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await reconnecting.ConfigureAwait(false);
        connected.TrySetException(new ObjectDisposedException(nameof(BrokerConnection)));
        _ = connected.Task.Exception;
        if (current is { } open) await CloseAsync(open).ConfigureAwait(false);
    }

    private async Task<IChannel> OpenChannelAsync(CreateChannelOptions options, CancellationToken cancellation)
    {
        while (true)
        {
            Task<IConnection> next;
            lock (access) next = connected.Task;
            var connection = await next.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await connection.CreateChannelAsync(options, cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error) && !connection.IsOpen && !closing.IsCancellationRequested)
            {
                // The library says so before its event of the loss has come.
                await Task.Delay(ShortestPause, cancellation).ConfigureAwait(false);
            }
        }
    }

    private void Use(IConnection opened)
    {
        BrokerVersion = VersionOf(opened);
        opened.ConnectionShutdownAsync += (_, reason) => OnLostAsync(opened, reason);
        opened.ConnectionBlockedAsync += (_, blocked) =>
        {
            logger.ConnectionBlocked(broker.Address, blocked.Reason);
            lock (access)
            {
                if (unblocked.Task.IsCompleted) unblocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return Task.CompletedTask;
        };
        opened.ConnectionUnblockedAsync += (_, _) =>
        {
            logger.ConnectionUnblocked(broker.Address);
            Unblock();
            return Task.CompletedTask;
        };
        lock (access)
        {
            if (lost.IsCancellationRequested) lost = new CancellationTokenSource();
            current = opened;
            connected.TrySetResult(opened);
        }

        // What was lost before somebody listened.
        if (!opened.IsOpen) _ = OnLostAsync(opened, opened.CloseReason);
    }

    private Task OnLostAsync(IConnection gone, ShutdownEventArgs? reason)
    {
        Unblock();
        CancellationTokenSource ending;
        lock (access)
        {
            if (gone != current || closing.IsCancellationRequested || !connected.Task.IsCompleted) return Task.CompletedTask;
            connected = new TaskCompletionSource<IConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
            Losses++;
            ending = lost;
            reconnecting = Task.Run(() => ReconnectAsync(gone), CancellationToken.None);
        }

        _ = ending.CancelAsync();
        logger.ConnectionLost(broker.Address, reason?.ReplyText ?? "");
        Work.AgentTelemetry.ConnectionLost();
        return Task.CompletedTask;
    }

    private async Task ReconnectAsync(IConnection gone)
    {
        _ = CloseAsync(gone);
        var pause = ShortestPause;
        var said = "";
        while (!closing.IsCancellationRequested)
        {
            try
            {
                Use(await OpenUsableAsync(factory, closing.Token).ConfigureAwait(false));
                logger.ConnectionRestored(broker.Address);
                return;
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                var fault = BrokerFaults.Connecting(broker, error).Message;
                if (fault != said) logger.NotReconnected(fault);
                said = fault;
            }

            await Task.Delay(pause, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private void Unblock()
    {
        lock (access) unblocked.TrySetResult();
    }

    private static Version VersionOf(IConnection connection)
    {
        var text = connection.ServerProperties?.TryGetValue("version", out var value) == true && value is byte[] bytes ? Encoding.ASCII.GetString(bytes) : "";
        var plain = string.Concat(text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')).TrimEnd('.');
        return Version.TryParse(plain, out var version) ? version : new Version(0, 0);
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            if (connection.IsOpen) await connection.CloseAsync(CloseTimeout).WaitAsync(CloseTimeout * 2).ConfigureAwait(false);
            await connection.DisposeAsync().AsTask().WaitAsync(CloseTimeout * 2).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error) || error is OperationCanceledException)
        {
            // It is closed already, or the broker does not answer any more: either way it is over.
        }
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
