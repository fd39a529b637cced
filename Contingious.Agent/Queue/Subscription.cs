using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>
/// What is published to an exchange from now on, over a queue that goes with the connection and is made anew over the next one.
/// What is published in between is not heard.
/// </summary>
internal sealed class Subscription : IAsyncDisposable
{
    /// <summary>A listener that is slower than what it listens to loses the oldest, and takes no more room at the broker.</summary>
    private const long MostQueuedBytes = 64L << 20;

    private const ushort Prefetch = 64;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly BrokerConnection connection;
    private readonly string exchange;
    private readonly string pattern;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Channel<(string RoutingKey, ReadOnlyMemory<byte> Body)> messages = System.Threading.Channels.Channel.CreateBounded<(string, ReadOnlyMemory<byte>)>(Prefetch);
    private readonly TaskCompletionSource subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task listening;

    private Subscription(BrokerConnection connection, string exchange, string pattern, ILogger logger)
    {
        this.connection = connection;
        this.exchange = exchange;
        this.pattern = pattern;
        this.logger = logger;
        listening = Task.Run(ListenAsync, CancellationToken.None);
    }

    public ChannelReader<(string RoutingKey, ReadOnlyMemory<byte> Body)> Messages => messages.Reader;

    /// <summary>Returns when whatever is published from now on is heard.</summary>
    /// <exception cref="Exception">The broker refused: as the client library says it.</exception>
    public static async Task<Subscription> OpenAsync(BrokerConnection connection, string exchange, string pattern, ILogger logger, CancellationToken cancellation)
    {
        var subscription = new Subscription(connection, exchange, pattern, logger);
        try
        {
            await subscription.subscribed.Task.WaitAsync(cancellation).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await listening.ConfigureAwait(false);
    }

    private async Task ListenAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await ListenOnceAsync(stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                if (BrokerFaults.SaidBy(error) is not null && connection.IsOpen && subscribed.TrySetException(error)) break;
                logger.SubscriptionInterrupted(exchange, error.Message);
            }

            await Task.Delay(RetryPause, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        messages.Writer.TryComplete();
        subscribed.TrySetCanceled();
    }

    private async Task ListenOnceAsync(CancellationToken cancellation)
    {
        var channel = await connection.OpenConsumingChannelAsync(cancellation).ConfigureAwait(false);
        try
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            channel.ChannelShutdownAsync += (_, _) =>
            {
                ended.TrySetResult();
                return Task.CompletedTask;
            };
            var limits = new Dictionary<string, object?> { ["x-max-length-bytes"] = MostQueuedBytes };
            var queue = (await channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, limits, cancellationToken: cancellation).ConfigureAwait(false)).QueueName;
            await channel.QueueBindAsync(queue, exchange, pattern, cancellationToken: cancellation).ConfigureAwait(false);
            await channel.BasicQosAsync(0, Prefetch, global: false, cancellation).ConfigureAwait(false);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += TakeAsync;
            await channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellation).ConfigureAwait(false);
            subscribed.TrySetResult();
            await ended.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await channel.DisposeQuietlyAsync().ConfigureAwait(false);
        }

        async Task TakeAsync(object sender, BasicDeliverEventArgs delivery)
        {
            try
            {
                await messages.Writer.WriteAsync((delivery.RoutingKey, delivery.Body.ToArray()), stopping.Token).ConfigureAwait(false);
                await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error) || error is OperationCanceledException or ChannelClosedException)
            {
                // Over: whoever listens learns it from the channel itself.
            }
        }
    }
}
