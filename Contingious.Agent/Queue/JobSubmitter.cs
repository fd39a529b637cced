using System.Collections.Concurrent;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>
/// The sender's side: posts jobs and waits for their results on a queue of its own, which goes when it does.
/// Several jobs can be under way at once. After a lost connection the jobs that are still waited for are posted again:
/// an agent that has run one knows it by its id and answers with the result it has.
/// </summary>
public sealed class JobSubmitter : IAsyncDisposable
{
    private readonly BrokerConnection connection;
    private readonly BrokerOptions broker;
    private readonly string replyQueue = $"contingious.reply.{Guid.NewGuid():N}";
    private readonly ConcurrentDictionary<string, Pending> pending = new(StringComparer.Ordinal);
    private IChannel? channel;

    private JobSubmitter(BrokerConnection connection, BrokerOptions broker)
    {
        this.connection = connection;
        this.broker = broker;
    }

    /// <exception cref="ContingiousException">No broker answers, it refuses the user, or it has other queues of that name.</exception>
    public static async Task<JobSubmitter> ConnectAsync(BrokerOptions broker, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(broker, "contingious submit", NullLogger.Instance, cancellation).ConfigureAwait(false);
        var submitter = new JobSubmitter(connection, broker);
        try
        {
            await submitter.OpenAsync(cancellation).ConfigureAwait(false);
            return submitter;
        }
        catch
        {
            await submitter.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Posts a job and waits for its result.</summary>
    /// <exception cref="ContingiousException">The broker did not take the job.</exception>
    /// <exception cref="WireException">The answer is no result.</exception>
    public Task<JobResult> SubmitAsync(Job job, CancellationToken cancellation) => SubmitAsync(JobCodec.Encode(job), cancellation);

    /// <summary>As <see cref="SubmitAsync(Job, CancellationToken)"/>, for a message that is encoded already, whatever it holds.</summary>
    public async Task<JobResult> SubmitAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        var correlationId = Guid.NewGuid().ToString("N");
        var waiting = new Pending(message);
        pending[correlationId] = waiting;
        try
        {
            await PostAsync(correlationId, message, cancellation).ConfigureAwait(false);
            return JobResultCodec.Decode(await waiting.Result.WaitAsync(cancellation).ConfigureAwait(false));
        }
        finally
        {
            pending.TryRemove(correlationId, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        channel = await connection.OpenPublishingChannelAsync(cancellation).ConfigureAwait(false);
        await Topology.DeclareAsync(channel, broker, cancellation).ConfigureAwait(false);
        await channel.QueueDeclareAsync(replyQueue, durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellation).ConfigureAwait(false);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) => OnResultAsync(delivery);
        await channel.BasicConsumeAsync(replyQueue, autoAck: true, consumer, cancellation).ConfigureAwait(false);
        connection.WhenRestored(PostAgainAsync);
    }

    private Task OnResultAsync(BasicDeliverEventArgs delivery)
    {
        // A second copy of a result finds nobody waiting: the first was as good.
        if (delivery.BasicProperties.CorrelationId is { } id && pending.TryGetValue(id, out var waiting)) waiting.Complete(delivery.Body.ToArray());
        return Task.CompletedTask;
    }

    private async Task PostAsync(string correlationId, ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        var open = channel ?? throw new ObjectDisposedException(nameof(JobSubmitter));
        var properties = new BasicProperties
        {
            ContentType = WireFormat.ContentType,
            CorrelationId = correlationId,
            ReplyTo = replyQueue,
            Persistent = true,
        };
        try
        {
            await open.BasicPublishAsync("", broker.JobsQueue, mandatory: true, properties, message, cancellation).ConfigureAwait(false);
        }
        catch (PublishException error)
        {
            throw new ContingiousException($"The broker at {broker.Address} did not take the job for the queue {broker.JobsQueue}: {error.Message}", error);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error) && connection.IsOpen)
        {
            throw new ContingiousException($"The broker at {broker.Address} refused the job: {error.Message}", error);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            // It is posted again when the connection is back.
        }
    }

    private async Task PostAgainAsync()
    {
        foreach (var (correlationId, waiting) in pending)
        {
            try
            {
                await PostAsync(correlationId, waiting.Message, CancellationToken.None).ConfigureAwait(false);
            }
            catch (ContingiousException error)
            {
                waiting.Fail(error);
            }
        }
    }

    /// <summary>A job whose result is waited for.</summary>
    private sealed class Pending(ReadOnlyMemory<byte> message)
    {
        private readonly TaskCompletionSource<ReadOnlyMemory<byte>> result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ReadOnlyMemory<byte> Message => message;

        public Task<ReadOnlyMemory<byte>> Result => result.Task;

        public void Complete(ReadOnlyMemory<byte> body) => result.TrySetResult(body);

        public void Fail(Exception error) => result.TrySetException(error);
    }
}
