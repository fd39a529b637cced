using Contingious.Engine;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Contingious.Agent.Queue;

/// <summary>What a reader does with the records of a stream.</summary>
internal interface IStreamReader
{
    /// <summary>Called for one after another, in the broker's order, each once.</summary>
    void Read(StreamRecord record);

    /// <summary>The stream was deleted, or has lost what was read: it is read from its beginning again.</summary>
    void Reset();
}

/// <summary>Follows a stream, over lost connections too, from where it left off.</summary>
internal sealed class StreamTail : IAsyncDisposable
{
    /// <summary>
    /// Records on their way, so that a full stream is read in seconds over a slow network too. They are handled as fast as they come, so that few are here
    /// at once; at worst it is the whole stream, which is bounded (<see cref="Topology.MaxDecisionBytes"/>).
    /// </summary>
    private const ushort Prefetch = 256;

    private const int AcknowledgeEach = Prefetch / 4;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly BrokerConnection connection;
    private readonly string stream;
    private readonly object beginning;
    private readonly IStreamReader reader;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task following;
    private long? next;
    private bool wasCancelled;

    /// <param name="connection">Read from it; nothing is declared unless the stream is missing.</param>
    /// <param name="stream">Its name.</param>
    /// <param name="beginning">What <c>x-stream-offset</c> takes: <c>first</c>, or an age such as <c>24h</c>.</param>
    /// <param name="reader">Gets the records.</param>
    /// <param name="logger">Hears of interruptions.</param>
    public StreamTail(BrokerConnection connection, string stream, object beginning, IStreamReader reader, ILogger logger)
    {
        this.connection = connection;
        this.stream = stream;
        this.beginning = beginning;
        this.reader = reader;
        this.logger = logger;
        following = Task.Run(FollowAsync, CancellationToken.None);
    }

    /// <summary>Reads one record.</summary>
    /// <returns>Its body; nothing where the stream does not hold it any more.</returns>
    public static async Task<ReadOnlyMemory<byte>?> FetchAsync(BrokerConnection connection, string stream, long offset, CancellationToken cancellation)
    {
        var channel = await connection.OpenConsumingChannelAsync(cancellation).ConfigureAwait(false);
        try
        {
            var found = new TaskCompletionSource<ReadOnlyMemory<byte>?>(TaskCreationOptions.RunContinuationsAsynchronously);
            channel.ChannelShutdownAsync += (_, reason) =>
            {
                found.TrySetException(new IOException($"the channel was closed: {reason.ReplyText}"));
                return Task.CompletedTask;
            };
            await channel.BasicQosAsync(0, 1, global: false, cancellation).ConfigureAwait(false);
            var consumer = new StreamConsumer(channel, (_, record) =>
            {
                // Where the stream has forgotten it, a later one comes first.
                if (record.Offset >= offset) found.TrySetResult(record.Offset == offset ? record.Body.ToArray() : (ReadOnlyMemory<byte>?)null);
                return Task.CompletedTask;
            }, () => found.TrySetResult(null));
            await channel.BasicConsumeAsync(stream, false, "", false, false, Arguments(offset), consumer, cancellation).ConfigureAwait(false);
            return await found.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await channel.DisposeQuietlyAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
    }

    private static Dictionary<string, object?> Arguments(object offset) => new() { ["x-stream-offset"] = offset };

    private async Task FollowAsync()
    {
        var pause = RetryPause;
        while (!stopping.IsCancellationRequested)
        {
            var before = next;
            try
            {
                await FollowOnceAsync(stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (BrokerFaults.IsLost(error) || error is ContingiousException)
            {
                logger.StreamInterrupted(stream, error.Message);
                if (BrokerFaults.SaidBy(error) is { } refusal && connection.IsOpen) await RepairAsync(refusal).ConfigureAwait(false);
            }

            if (wasCancelled) Restart();
            pause = next != before ? RetryPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            await Task.Delay(pause, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowOnceAsync(CancellationToken cancellation)
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
            await channel.BasicQosAsync(0, Prefetch, global: false, cancellation).ConfigureAwait(false);
            var consumer = new StreamConsumer(channel, TakeAsync, () =>
            {
                wasCancelled = true;
                ended.TrySetResult();
            });
            await channel.BasicConsumeAsync(stream, false, "", false, false, Arguments(next ?? beginning), consumer, cancellation).ConfigureAwait(false);
            await ended.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await channel.DisposeQuietlyAsync().ConfigureAwait(false);
        }

        async Task TakeAsync(ulong tag, StreamRecord record)
        {
            if (record.Offset >= (next ?? 0))
            {
                reader.Read(record);
                next = record.Offset + 1;
            }

            if (tag % AcknowledgeEach == 0) await channel.BasicAckAsync(tag, multiple: true, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The stream is missing, or cannot be read from there any more.</summary>
    private async Task RepairAsync(ShutdownEventArgs refusal)
    {
        if (refusal.ReplyCode != BrokerFaults.NotFound) return;
        wasCancelled = true;
        try
        {
            await new TopologyCheck(connection).EnsureAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ContingiousException || BrokerFaults.IsLost(error) || error is OperationCanceledException)
        {
            logger.StreamInterrupted(stream, error.Message);
        }
    }

    private void Restart()
    {
        wasCancelled = false;
        next = null;
        reader.Reset();
    }
}
