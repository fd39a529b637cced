using System.Threading.Channels;
using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>One channel that jobs come over, for as long as it is open. All but its callbacks is called by one at a time.</summary>
internal sealed class JobChannel : IAsyncDisposable
{
    private readonly BrokerConnection connection;
    private readonly ILogger logger;
    private readonly CancellationTokenSource lost = new();
    private readonly Channel<Delivery> pushed = System.Threading.Channels.Channel.CreateUnbounded<Delivery>();
    private CancellationTokenSource? asked;
    private TimeSpan leftoverPatience;
    private Task closing = Task.CompletedTask;

    private JobChannel(BrokerConnection connection, IChannel channel, ILogger logger)
    {
        this.connection = connection;
        this.logger = logger;
        Channel = channel;
        Lost = lost.Token;
    }

    public IChannel Channel { get; }

    public bool IsOpen => Channel.IsOpen && !Lost.IsCancellationRequested;

    /// <summary>Cancelled when the channel is gone, and all its deliveries with it.</summary>
    public CancellationToken Lost { get; }

    /// <param name="connection">Waits for it where it is lost.</param>
    /// <param name="onClosed">Told the broker's own words, where the broker closed the channel.</param>
    /// <param name="logger">Hears of late settling.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<JobChannel> OpenAsync(BrokerConnection connection, Action<string> onClosed, ILogger logger, CancellationToken cancellation)
    {
        var channel = await connection.OpenConsumingChannelAsync(cancellation).ConfigureAwait(false);
        var opened = new JobChannel(connection, channel, logger);
        channel.ChannelShutdownAsync += (_, reason) =>
        {
            if (reason.Initiator == ShutdownInitiator.Peer) onClosed(reason.ReplyText);
            return opened.lost.CancelAsync();
        };
        // For each consumer, not for the channel: quorum queues know no limit over several.
        await channel.BasicQosAsync(0, 1, global: false, cancellation).ConfigureAwait(false);
        return opened;
    }

    /// <summary>
    /// A job that came over a consumer when another one was handed out already; nothing where there is none.
    /// What is left after it is given back as it would have been, if nobody asks again.
    /// </summary>
    public async Task<Delivery?> TakeLeftoverAsync()
    {
        if (asked is not null) await asked.CancelAsync().ConfigureAwait(false);
        asked = null;
        await closing.ConfigureAwait(false);
        if (!pushed.Reader.TryRead(out var delivery)) return null;
        if (pushed.Reader.Count > 0) GiveBackLater();
        return delivery;
    }

    public async Task<Delivery?> GetAsync(JobClass ofClass)
    {
        var got = await Channel.BasicGetAsync(connection.Broker.JobsQueueOf(ofClass), autoAck: false, CancellationToken.None).ConfigureAwait(false);
        return got is null ? null : new Delivery(ofClass, Channel, got.DeliveryTag, got.Redelivered, got.BasicProperties, got.Body, logger, Lost);
    }

    /// <summary>Opens a consumer for each class, waits for a job, and closes them.</summary>
    /// <param name="classes">Whose queues.</param>
    /// <param name="patience">How long others that came with it are kept for the next asking.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<Delivery> WaitForPushAsync(IEnumerable<JobClass> classes, TimeSpan patience, CancellationToken cancellation)
    {
        leftoverPatience = patience;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, Lost);
        var consumers = new List<string>();
        try
        {
            foreach (var ofClass in classes)
            {
                consumers.Add(await Channel.BasicConsumeAsync(connection.Broker.JobsQueueOf(ofClass), autoAck: false, new Consumer(this, ofClass, either), CancellationToken.None)
                    .ConfigureAwait(false));
            }

            return await pushed.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException(Lost.IsCancellationRequested ? "the channel was closed" : "the broker cancelled a consumer", error);
        }
        finally
        {
            // Whoever has the job need not wait for this; whoever asks next does.
            closing = CloseAsync(consumers);
            GiveBackLater();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Channel.DisposeQuietlyAsync().ConfigureAwait(false);
        await lost.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>Waits for the broker's word: what it sends before that is left over, and the library would lose it to a consumer that is gone.</summary>
    private async Task CloseAsync(List<string> consumers)
    {
        try
        {
            foreach (var tag in consumers) await Channel.BasicCancelAsync(tag, noWait: false).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            // Without a channel nothing is delivered either.
        }
    }

    private void GiveBackLater()
    {
        asked = new CancellationTokenSource();
        _ = GiveBackLeftoversAsync(leftoverPatience, asked.Token);
    }

    /// <summary>They are the oldest of their queues, and somebody else may be idle.</summary>
    private async Task GiveBackLeftoversAsync(TimeSpan patience, CancellationToken nextAsking)
    {
        try
        {
            await Task.Delay(patience, nextAsking).ConfigureAwait(false);
            await closing.ConfigureAwait(false);
            while (!nextAsking.IsCancellationRequested && pushed.Reader.TryRead(out var delivery)) await delivery.RejectAsync(requeue: true).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Somebody asks, and gets them.
        }
    }

    /// <summary>What the library calls. It only takes notes.</summary>
    private sealed class Consumer(JobChannel owner, JobClass ofClass, CancellationTokenSource waiting) : AsyncDefaultBasicConsumer(owner.Channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag,
            ulong deliveryTag,
            bool redelivered,
            string exchange,
            string routingKey,
            IReadOnlyBasicProperties properties,
            ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default)
        {
            owner.pushed.Writer.TryWrite(new Delivery(ofClass, owner.Channel, deliveryTag, redelivered, properties, body, owner.logger, owner.Lost));
            return Task.CompletedTask;
        }

        /// <summary>The broker cancels a consumer whose queue was deleted or moved, or that held a job for too long (from 4.3 on).</summary>
        public override async Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            await base.HandleBasicCancelAsync(consumerTag, cancellationToken).ConfigureAwait(false);
            try
            {
                await waiting.CancelAsync().ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                // Nobody waits at it any more.
            }
        }
    }
}
