using System.Threading.Channels;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>
/// Takes jobs from the queue: as many at once as there are slots, each the broker's until it is settled.
/// A channel that the broker closed, or a consumer that it cancelled, is opened again; a lost connection is the library's to restore.
/// </summary>
internal sealed class JobConsumer : IAsyncDisposable
{
    private static readonly TimeSpan ReopenDelay = TimeSpan.FromSeconds(1);

    private readonly BrokerConnection connection;
    private readonly BrokerOptions broker;
    private readonly int slots;
    private readonly ILogger logger;
    private readonly Channel<Delivery> deliveries = Channel.CreateUnbounded<Delivery>();
    private readonly SemaphoreSlim opening = new(1, 1);
    private readonly CancellationTokenSource stopping = new();
    private IChannel? channel;
    private string consumerTag = "";

    private JobConsumer(BrokerConnection connection, BrokerOptions broker, int slots, ILogger logger)
    {
        this.connection = connection;
        this.broker = broker;
        this.slots = slots;
        this.logger = logger;
        connection.WhenRestored(() => channel is { IsOpen: true } ? Task.CompletedTask : ReopenAsync("the connection was lost"));
    }

    /// <summary>
    /// No more than <c>slots</c> are unsettled at a time, so this holds no more than that. After a lost connection it may hold a job twice:
    /// once as it came first, which the broker has taken back, and once anew.
    /// </summary>
    public ChannelReader<Delivery> Deliveries => deliveries.Reader;

    /// <summary>Where tests make the broker complain.</summary>
    internal IChannel? OpenChannel => channel;

    /// <exception cref="ContingiousException">The queues cannot be declared.</exception>
    public static async Task<JobConsumer> StartAsync(BrokerConnection connection, BrokerOptions broker, int slots, ILogger logger, CancellationToken cancellation)
    {
        var consumer = new JobConsumer(connection, broker, slots, logger);
        await consumer.OpenAsync(cancellation).ConfigureAwait(false);
        return consumer;
    }

    /// <summary>Takes no more jobs. What was taken and not settled stays so until the connection closes, and is then delivered to another agent.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        deliveries.Writer.TryComplete();
        try
        {
            if (channel is { IsOpen: true } open) await open.BasicCancelAsync(consumerTag).ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error) || error is TimeoutException or OperationCanceledException)
        {
            // Without a connection nothing is delivered either.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        var opened = await connection.OpenConsumingChannelAsync(slots, cancellation).ConfigureAwait(false);
        try
        {
            await Topology.DeclareAsync(opened, broker, cancellation).ConfigureAwait(false);
            await opened.BasicQosAsync(0, (ushort)slots, global: false, cancellation).ConfigureAwait(false);
            consumerTag = await opened.BasicConsumeAsync(broker.JobsQueue, autoAck: false, new Callbacks(this, opened), cancellation).ConfigureAwait(false);
        }
        catch
        {
            await opened.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        channel = opened;
        opened.ChannelShutdownAsync += (_, reason) => OnClosedAsync(opened, reason);
    }

    /// <summary>Only what happened to the channel alone: its connection is still open then.</summary>
    private Task OnClosedAsync(IChannel closed, ShutdownEventArgs reason)
    {
        if (closed == channel && connection.IsOpen && !stopping.IsCancellationRequested) _ = ReopenAsync(reason.ReplyText);
        return Task.CompletedTask;
    }

    private async Task ReopenAsync(string why)
    {
        logger.ConsumerEnded(broker.JobsQueue, why);
        try
        {
            await opening.WaitAsync(stopping.Token).ConfigureAwait(false);
            try
            {
                await ReplaceChannelAsync().ConfigureAwait(false);
            }
            finally
            {
                opening.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task ReplaceChannelAsync()
    {
        while (connection.IsOpen)
        {
            await Task.Delay(ReopenDelay, stopping.Token).ConfigureAwait(false);
            try
            {
                var old = channel;
                await OpenAsync(stopping.Token).ConfigureAwait(false);
                if (old is not null) await old.DisposeAsync().ConfigureAwait(false);
                logger.ConsumerReopened(broker.JobsQueue);
                return;
            }
            catch (Exception error) when (error is ContingiousException || BrokerFaults.IsLost(error) || error is TimeoutException)
            {
                logger.ConsumerNotReopened(broker.JobsQueue, error.Message);
            }
        }
    }

    private void Take(IChannel from, BasicDeliverEventArgs delivery) =>
        deliveries.Writer.TryWrite(new Delivery(from, delivery, WireFormat.MaxMessage.Bytes, logger));

    /// <summary>What the library calls. It only takes notes, so that no delivery waits behind another's run.</summary>
    private sealed class Callbacks(JobConsumer consumer, IChannel channel) : AsyncDefaultBasicConsumer(channel)
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
            consumer.Take(Channel, new BasicDeliverEventArgs(consumerTag, deliveryTag, redelivered, exchange, routingKey, properties, body, cancellationToken));
            return Task.CompletedTask;
        }

        /// <summary>The broker cancels a consumer whose queue was deleted, or moved.</summary>
        public override async Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            await base.HandleBasicCancelAsync(consumerTag, cancellationToken).ConfigureAwait(false);
            if (!consumer.stopping.IsCancellationRequested) _ = consumer.ReopenAsync("the broker cancelled it");
        }
    }
}
