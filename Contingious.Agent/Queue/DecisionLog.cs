using System.Globalization;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>
/// The decisions, in a stream of the broker's: it puts the records of all agents in one order, which all of them read, so that they agree on
/// which record of a job is the first. What comes after it is passed over. All that the stream holds is read when an agent starts.
/// </summary>
internal sealed class DecisionLog : IDecisionLog, IStreamReader, IAsyncDisposable
{
    private const int MostKeys = 500_000;
    private const string JobIdHeader = "job-id";
    private const string AttemptHeader = "attempt";
    private const string ContentHeader = "content";
    private const string MarkerHeader = "marker";

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// A confirmed record that has not been read by then is put down again, and later each time: the stream was deleted, or its reader was attached to
    /// a stream that was empty and did not hear of its first record.
    /// </summary>
    private static readonly TimeSpan readPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan longestReadPatience = TimeSpan.FromSeconds(32);

    private static readonly ByteSize keptBytes = ByteSize.FromMiB(8);

    private readonly BrokerConnection reading;
    private readonly BrokerConnection writing;
    private readonly ILogger logger;
    private readonly PublishingChannel publishing;
    private readonly StreamTail tail;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock access = new();
    private readonly DecisionMemory memory = new(MostKeys, keptBytes);
    private readonly TokenBoard<UInt128> decided = new();
    private readonly Dictionary<UInt128, TaskCompletionSource<ReadOnlyMemory<byte>>> waiting = [];
    private readonly Dictionary<string, TaskCompletionSource> markers = new(StringComparer.Ordinal);

    private DecisionLog(BrokerConnection reading, BrokerConnection writing, ILogger logger)
    {
        this.reading = reading;
        this.writing = writing;
        this.logger = logger;
        publishing = new PublishingChannel(writing);
        tail = new StreamTail(reading, reading.Broker.DecisionsStream, "first", this, logger);
    }

    /// <summary>Jobs whose first record is known.</summary>
    public int Known
    {
        get
        {
            lock (access) return memory.Keys;
        }
    }

    /// <summary>Opens the log, and reads it up to now.</summary>
    /// <exception cref="ContingiousException">The user may not write to it.</exception>
    public static async Task<DecisionLog> OpenAsync(BrokerConnection reading, BrokerConnection writing, ILogger logger, CancellationToken cancellation)
    {
        var log = new DecisionLog(reading, writing, logger);
        try
        {
            await log.CatchUpAsync(cancellation).ConfigureAwait(false);
            logger.DecisionsRead(log.Known);
            return log;
        }
        catch
        {
            await log.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Waits until everything is read that any agent had put down before this call. Before <see cref="FindAsync"/> it makes sure
    /// of a job that was delivered again: its first agent may have decided it a moment ago.
    /// </summary>
    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping.Token);
        var marker = Guid.NewGuid().ToString("N");
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (access) markers.Add(marker, seen);
        try
        {
            var headers = new Dictionary<string, object?> { [MarkerHeader] = marker };
            await AppendUntilAsync(seen.Task, headers, ReadOnlyMemory<byte>.Empty, either.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (access) markers.Remove(marker);
        }
    }

    public async Task<ReadOnlyMemory<byte>?> FindAsync(JobKey key, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping.Token);
        var digest = DecisionMemory.Digest(key);
        while (true)
        {
            long offset;
            lock (access)
            {
                if (!memory.TryFind(digest, out offset, out var body)) return null;
                if (body is not null) return body;
            }

            try
            {
                if (await StreamTail.FetchAsync(reading, reading.Broker.DecisionsStream, offset, either.Token).ConfigureAwait(false) is { } fetched) return fetched;
                // The stream has forgotten it, and so does this agent.
                lock (access)
                {
                    if (memory.TryFind(digest, out var still, out _) && still == offset) memory.Remove(digest);
                }
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                await Task.Delay(RetryPause, either.Token).ConfigureAwait(false);
            }
        }
    }

    public async Task<ReadOnlyMemory<byte>> DecideAsync(JobKey key, ReadOnlyMemory<byte> result, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping.Token);
        var digest = DecisionMemory.Digest(key);
        while (true)
        {
            if (await FindAsync(key, either.Token).ConfigureAwait(false) is { } known) return known;
            TaskCompletionSource<ReadOnlyMemory<byte>>? first;
            lock (access)
            {
                if (memory.Knows(digest)) continue;
                // Several of this agent that decide the same job wait for the same record. Whoever it is for is told by the reader, which removes it.
                if (!waiting.TryGetValue(digest, out first)) waiting.Add(digest, first = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            var headers = new Dictionary<string, object?> { [JobIdHeader] = key.JobId, [AttemptHeader] = key.Attempt, [ContentHeader] = key.Content };
            await AppendUntilAsync(first.Task, headers, result, either.Token).ConfigureAwait(false);
            return await first.Task.ConfigureAwait(false);
        }
    }

    public CancellationToken Decided(JobKey key)
    {
        var digest = DecisionMemory.Digest(key);
        lock (access) return memory.Knows(digest) ? new CancellationToken(canceled: true) : decided.Of(digest);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await tail.DisposeAsync().ConfigureAwait(false);
        await publishing.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Called by the tail alone, in the stream's order.</summary>
    void IStreamReader.Read(StreamRecord record)
    {
        if (record.Headers is not { } headers) return;
        if (headers.TryGetValue(MarkerHeader, out var marker) && Headers.Text(marker) is { } name)
        {
            lock (access)
            {
                if (markers.TryGetValue(name, out var seen)) seen.TrySetResult();
            }

            return;
        }

        // What is no record of ours, such as an answer to a job whose reply_to names this stream, decides nothing.
        if (ReadKey(headers) is not { } key) return;
        var digest = DecisionMemory.Digest(key);
        lock (access)
        {
            if (!memory.TryAdd(digest, record.Offset, record.Body)) return;
            decided.Cancel(digest);
            if (waiting.Remove(digest, out var first)) first.TrySetResult(record.Body.ToArray());
        }
    }

    void IStreamReader.Reset()
    {
        lock (access) memory.Clear();
    }

    private static JobKey? ReadKey(IDictionary<string, object?> headers)
    {
        if (!headers.TryGetValue(JobIdHeader, out var id) || Headers.Text(id) is not { } jobId) return null;
        if (!headers.TryGetValue(ContentHeader, out var hash) || Headers.Text(hash) is not { Length: 64 } content) return null;
        return headers.TryGetValue(AttemptHeader, out var number) && Headers.Number(number) is >= 0 and <= WireFormat.MaxAttempt and var attempt
            ? new JobKey(jobId, (int)attempt, content)
            : null;
    }

    /// <summary>Appends a record, again where it is not sure that the broker has it, until what it is for has been read.</summary>
    private async Task AppendUntilAsync(Task read, Dictionary<string, object?> headers, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        for (var patience = readPatience; !read.IsCompleted; patience = patience < longestReadPatience ? patience * 2 : patience)
        {
            try
            {
                var properties = new BasicProperties { ContentType = WireFormat.ContentType, Persistent = true, Headers = new Dictionary<string, object?>(headers) };
                await publishing.PublishAsync("", writing.Broker.DecisionsStream, mandatory: true, properties, body, cancellation).ConfigureAwait(false);
                await read.WaitAsync(patience, cancellation).ConfigureAwait(false);
            }
            catch (PublishException error)
            {
                logger.DecisionRefused(error.IsReturn ? "there is no such stream" : error.Message);
                if (error.IsReturn) await RepairAsync(cancellation).ConfigureAwait(false);
                await Task.Delay(RetryPause, cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                if (writing.IsOpen && BrokerFaults.SaidBy(error) is { ReplyCode: BrokerFaults.AccessRefused } refusal) throw NotAllowed(refusal, error);
                // Whether the broker has it is not known. The reader learns it; until then a second record does no harm, for the first counts.
                await Task.WhenAny(read, Task.Delay(RetryPause, cancellation)).ConfigureAwait(false);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task RepairAsync(CancellationToken cancellation)
    {
        try
        {
            await new TopologyCheck(writing).EnsureAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ContingiousException || BrokerFaults.IsLost(error))
        {
            logger.DecisionRefused(error.Message);
        }
    }

    private ContingiousException NotAllowed(ShutdownEventArgs refusal, Exception error) => new(
        string.Create(CultureInfo.InvariantCulture, $"The user {writing.Broker.User} may not write decisions at {writing.Broker.Address}: {refusal.ReplyText}. ")
        + "Give it the permission to write to the default exchange (rabbitmqctl set_permissions).",
        error);
}
