using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>What agents were told in the last 24 hours, and are told from now on.</summary>
internal sealed class ControlFeed : IControlFeed, IStreamReader, IAsyncDisposable
{
    /// <summary>The oldest go: a job that was cancelled so long before it came runs.</summary>
    private const int MostCancels = 200_000;

    /// <summary>What has it tells agents nothing.</summary>
    public const string MarkerHeader = "marker";

    private static readonly TimeSpan MarkerPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly BrokerConnection writing;
    private readonly StreamTail tail;
    private readonly Lock access = new();
    private readonly CancelMemory cancelled = new(Topology.ControlAge, MostCancels, TimeProvider.System);
    private readonly TokenBoard<(string JobId, int Attempt)> watched = new();
    private readonly string marker = Guid.NewGuid().ToString("N");
    private readonly TaskCompletionSource caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ControlFeed(BrokerConnection reading, BrokerConnection writing, ILogger logger)
    {
        this.writing = writing;
        tail = new StreamTail(reading, reading.Broker.ControlStream, Topology.StreamAge, this, logger);
    }

    /// <summary>Somebody wants to know how agents are. Not for what was asked before this agent was there. Must not block.</summary>
    public Action? ReportAsked { get; set; }

    /// <summary>Opens the feed, and reads it up to now.</summary>
    /// <exception cref="ContingiousException">The user may not write to it.</exception>
    public static async Task<ControlFeed> OpenAsync(BrokerConnection reading, BrokerConnection writing, ILogger logger, CancellationToken cancellation)
    {
        var feed = new ControlFeed(reading, writing, logger);
        try
        {
            await feed.CatchUpAsync(cancellation).ConfigureAwait(false);
            return feed;
        }
        catch
        {
            await feed.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public CancellationToken CancelAsked(string jobId, int attempt)
    {
        lock (access)
        {
            return cancelled.Has(jobId, attempt)
                ? new CancellationToken(canceled: true)
                : watched.Of((jobId, attempt));
        }
    }

    public ValueTask DisposeAsync() => tail.DisposeAsync();

    /// <summary>Called by the tail alone, in the stream's order.</summary>
    void IStreamReader.Read(StreamRecord record)
    {
        if (record.Headers?.TryGetValue(MarkerHeader, out var value) == true)
        {
            if (Headers.Text(value) == marker) caughtUp.TrySetResult();
            return;
        }

        ControlMessage message;
        try
        {
            message = ControlMessageCodec.Decode(record.Body);
        }
        catch (WireException)
        {
            // Of a newer version, or somebody's mistake: it tells this agent nothing.
            return;
        }

        if (message.Kind == ControlKind.Cancel) Cancel(message);
        else if (caughtUp.Task.IsCompleted) ReportAsked?.Invoke();
    }

    /// <summary>What was asked for stays asked for.</summary>
    void IStreamReader.Reset()
    {
    }

    private void Cancel(ControlMessage message)
    {
        lock (access)
        {
            cancelled.Add(message.JobId, message.Attempt ?? CancelMemory.AllAttempts);
            if (message.Attempt is { } attempt) watched.Cancel((message.JobId, attempt));
            else watched.CancelWhere(job => job.JobId == message.JobId);
        }
    }

    private async Task CatchUpAsync(CancellationToken cancellation)
    {
        var publishing = new PublishingChannel(writing);
        await using (publishing.ConfigureAwait(false))
        {
            while (!caughtUp.Task.IsCompleted)
            {
                try
                {
                    var properties = new BasicProperties { Headers = new Dictionary<string, object?> { [MarkerHeader] = marker } };
                    await publishing.PublishAsync("", writing.Broker.ControlStream, mandatory: true, properties, ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);
                    // Again after a moment: a reader that is attached to a stream which is still empty may not hear of its first record.
                    await Task.WhenAny(caughtUp.Task, Task.Delay(MarkerPatience, cancellation)).ConfigureAwait(false);
                    cancellation.ThrowIfCancellationRequested();
                }
                catch (Exception error) when (error is PublishException || BrokerFaults.IsLost(error))
                {
                    if (BrokerFaults.SaidBy(error) is { ReplyCode: BrokerFaults.AccessRefused } refusal && writing.IsOpen)
                    {
                        throw new ContingiousException($"The user {writing.Broker.User} may not write to {writing.Broker.ControlStream} at {writing.Broker.Address}: {refusal.ReplyText}.", error);
                    }

                    await Task.Delay(RetryPause, cancellation).ConfigureAwait(false);
                }
            }
        }
    }
}
