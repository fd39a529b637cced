using System.Collections.Concurrent;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>
/// The sender's side: posts jobs and waits for their results on a queue of its own, which goes when it does.
/// Several jobs can be under way at once. After a lost connection the jobs that are still waited for are posted again:
/// agents know a job by its id, and answer with the result that it has.
/// </summary>
public sealed class JobSubmitter : IAsyncDisposable
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly BrokerConnection connection;
    private readonly BrokerOptions broker;
    private readonly PublishingChannel publishing;
    private readonly ControlClient control;
    private readonly string replyQueue = $"contingious.reply.{Guid.NewGuid():N}";
    private readonly ConcurrentDictionary<string, Pending> pending = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task listener;

    private JobSubmitter(BrokerConnection connection)
    {
        this.connection = connection;
        broker = connection.Broker;
        publishing = new PublishingChannel(connection);
        control = new ControlClient(connection);
        listener = Task.Run(ListenAsync, CancellationToken.None);
    }

    /// <exception cref="ContingiousException">No broker answers, it refuses the user, or it has other queues of that name.</exception>
    public static async Task<JobSubmitter> ConnectAsync(BrokerOptions broker, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(broker, "contingious submit", NullLogger.Instance, cancellation).ConfigureAwait(false);
        try
        {
            await new TopologyCheck(connection).EnsureAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        var submitter = new JobSubmitter(connection);
        try
        {
            await submitter.listening.Task.WaitAsync(cancellation).ConfigureAwait(false);
            return submitter;
        }
        catch
        {
            await submitter.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Posts a job and waits for its result.</summary>
    /// <param name="job">The job; its deadline is its own.</param>
    /// <param name="ofClass">The queue to post it to.</param>
    /// <param name="cancellation">Stops waiting. The job goes on: <see cref="CancelAsync"/> ends it.</param>
    /// <exception cref="ContingiousException">The broker did not take the job.</exception>
    /// <exception cref="WireException">The answer is no result.</exception>
    public Task<JobResult> SubmitAsync(Job job, JobClass ofClass, CancellationToken cancellation) => SubmitAsync(JobCodec.Encode(job), ofClass, cancellation);

    /// <summary>As the other, of the class <see cref="JobClass.Interactive"/>.</summary>
    public Task<JobResult> SubmitAsync(Job job, CancellationToken cancellation) => SubmitAsync(job, JobClass.Interactive, cancellation);

    /// <summary>As the others, for a message that is encoded already, whatever it holds.</summary>
    public Task<JobResult> SubmitAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation) => SubmitAsync(message, JobClass.Interactive, cancellation);

    /// <summary>As the others, for a message that is encoded already, whatever it holds.</summary>
    public async Task<JobResult> SubmitAsync(ReadOnlyMemory<byte> message, JobClass ofClass, CancellationToken cancellation)
    {
        var correlationId = Guid.NewGuid().ToString("N");
        var waiting = new Pending(message, ofClass);
        pending[correlationId] = waiting;
        try
        {
            await PostUntilTakenAsync(correlationId, waiting, cancellation).ConfigureAwait(false);
            return JobResultCodec.Decode(await waiting.Result.WaitAsync(cancellation).ConfigureAwait(false));
        }
        finally
        {
            pending.TryRemove(correlationId, out _);
        }
    }

    /// <summary>Posts a job that nobody waits for: its result goes to those who listen to the results exchange.</summary>
    /// <exception cref="ContingiousException">The broker did not take the job.</exception>
    public async Task PostAsync(Job job, JobClass ofClass, CancellationToken cancellation)
    {
        var message = new Pending(JobCodec.Encode(job), ofClass);
        while (!await PostAsync(job.JobId, message, replyTo: null, cancellation).ConfigureAwait(false)) await Task.Delay(RetryPause, cancellation).ConfigureAwait(false);
    }

    /// <summary>Has a job cancelled, whoever posted it: its final result says so, unless it has one already.</summary>
    /// <param name="jobId">The job's id.</param>
    /// <param name="attempt">Its attempt, or nothing for all.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">The broker does not take it.</exception>
    public Task CancelAsync(string jobId, int? attempt, CancellationToken cancellation) => control.CancelAsync(jobId, attempt, cancellation);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await listener.ConfigureAwait(false);
        await publishing.DisposeAsync().ConfigureAwait(false);
        await control.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <returns>False where it is not known whether the broker has it.</returns>
    private async Task<bool> PostAsync(string correlationId, Pending job, string? replyTo, CancellationToken cancellation)
    {
        var queue = broker.JobsQueueOf(job.Class);
        var properties = new BasicProperties { ContentType = WireFormat.ContentType, CorrelationId = correlationId, Persistent = true, Timestamp = new AmqpTimestamp(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()) };
        if (replyTo is not null) properties.ReplyTo = replyTo;
        try
        {
            await publishing.PublishAsync("", queue, mandatory: true, properties, job.Message, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (PublishException error)
        {
            throw NotTaken(queue, error);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            if (!connection.IsOpen || BrokerFaults.SaidBy(error) is not { ReplyCode: not ConnectionForced }) return false;
        }

        // The broker closed the shared channel, for this job or for another: alone on a channel of its own it shows which.
        return await PostAloneAsync(queue, properties, job.Message, cancellation).ConfigureAwait(false);
    }

    private async Task<bool> PostAloneAsync(string queue, BasicProperties properties, ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        var alone = new PublishingChannel(connection);
        await using (alone.ConfigureAwait(false))
        {
            try
            {
                await alone.PublishAsync("", queue, mandatory: true, properties, message, cancellation).ConfigureAwait(false);
                return true;
            }
            catch (PublishException error)
            {
                throw NotTaken(queue, error);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                if (!connection.IsOpen || BrokerFaults.SaidBy(error) is not { ReplyCode: not ConnectionForced }) return false;
                throw new ContingiousException($"The broker at {broker.Address} refused the job: {error.Message}", error);
            }
        }
    }

    private ContingiousException NotTaken(string queue, PublishException error) =>
        new($"The broker at {broker.Address} did not take the job for the queue {queue}: {error.Message}", error);

    /// <summary>Posts it until it is sure that the broker has it, or its result is there, or nobody waits any more. Twice does no harm.</summary>
    private async Task PostUntilTakenAsync(string correlationId, Pending job, CancellationToken cancellation)
    {
        while (!job.Result.IsCompleted && pending.ContainsKey(correlationId) && !await PostAsync(correlationId, job, replyQueue, cancellation).ConfigureAwait(false))
        {
            await Task.WhenAny(job.Result, Task.Delay(RetryPause, cancellation)).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private const ushort ConnectionForced = 320;

    /// <summary>The queue of the answers goes with its connection. Over each new one it is made again, and what is still waited for is posted again.</summary>
    private async Task ListenAsync()
    {
        for (var isFirst = true; !stopping.IsCancellationRequested; isFirst = false)
        {
            try
            {
                await ListenOnceAsync(isFirst, stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                var isRefused = connection.IsOpen && BrokerFaults.SaidBy(error) is not null;
                if (isRefused) listening.TrySetException(new ContingiousException($"The broker at {broker.Address} does not let {broker.User} have a queue for answers: {error.Message}", error));
            }

            await Task.Delay(RetryPause, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenOnceAsync(bool isFirst, CancellationToken cancellation)
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
            await channel.QueueDeclareAsync(replyQueue, durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellation).ConfigureAwait(false);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, delivery) =>
            {
                // A second copy of a result finds nobody waiting: the first was as good.
                if (delivery.BasicProperties.CorrelationId is { } id && pending.TryGetValue(id, out var waiting)) waiting.Complete(delivery.Body.ToArray());
                return Task.CompletedTask;
            };
            await channel.BasicConsumeAsync(replyQueue, autoAck: true, consumer, cancellation).ConfigureAwait(false);
            listening.TrySetResult();
            if (!isFirst) await PostAgainAsync(cancellation).ConfigureAwait(false);
            await ended.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await channel.DisposeQuietlyAsync().ConfigureAwait(false);
        }
    }

    private async Task PostAgainAsync(CancellationToken cancellation)
    {
        foreach (var (correlationId, waiting) in pending)
        {
            try
            {
                await PostUntilTakenAsync(correlationId, waiting, cancellation).ConfigureAwait(false);
            }
            catch (ContingiousException error)
            {
                waiting.Fail(error);
            }
        }
    }

    /// <summary>A job whose result is waited for.</summary>
    private sealed class Pending(ReadOnlyMemory<byte> message, JobClass ofClass)
    {
        private readonly TaskCompletionSource<ReadOnlyMemory<byte>> result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ReadOnlyMemory<byte> Message => message;

        public JobClass Class => ofClass;

        public Task<ReadOnlyMemory<byte>> Result => result.Task;

        public void Complete(ReadOnlyMemory<byte> body) => result.TrySetResult(body);

        public void Fail(Exception error) => result.TrySetException(error);
    }
}
