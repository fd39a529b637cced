using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>
/// Sends events in batches: what happened to a job within a fifth of a second goes in as few messages as there are changes of kind.
/// Messages are transient, and nobody need listen.
/// </summary>
internal sealed class EventPublisher : IEventSink, IAsyncDisposable
{
    private const int MostEvents = 8_192;
    private const long MostBytes = 8 << 20;

    /// <summary>Of output in one message.</summary>
    private const int MostOfMessage = 256 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private readonly BrokerConnection connection;
    private readonly ILogger logger;
    private readonly PublishingChannel publishing;
    private readonly EventQueue queue = new(MostEvents, MostBytes);
    private readonly SemaphoreSlim something = new(0, 1);
    private readonly CancellationTokenSource stopping = new();
    private readonly Task sending;

    public EventPublisher(BrokerConnection connection, ILogger logger)
    {
        this.connection = connection;
        this.logger = logger;
        publishing = new PublishingChannel(connection);
        sending = Task.Run(SendAllAsync, CancellationToken.None);
    }

    /// <summary>Events that were dropped because they came too fast, or because there was no connection.</summary>
    public long Dropped => queue.Dropped;

    public void Post(JobEvent happened)
    {
        queue.Add(happened);
        Wake();
    }

    /// <summary>Says how an agent is, to whoever listens. Where there is no connection nobody hears it.</summary>
    public async Task PublishStatusAsync(ReadOnlyMemory<byte> status, string agentName, CancellationToken cancellation)
    {
        if (!connection.IsOpen || connection.IsBlocked) return;
        await TryPublishAsync($"agent.{agentName}", status, cancellation).ConfigureAwait(false);
    }

    /// <summary>Sends what is left, if it can be sent soon.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        using var deadline = new CancellationTokenSource(LastWords);
        if (connection.IsOpen) await SendAsync(queue.TakeAll(), deadline.Token).ConfigureAwait(false);
        await publishing.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Messages in the events' order, each of one job and one kind.</summary>
    private static IEnumerable<List<JobEvent>> Batch(List<JobEvent> events)
    {
        foreach (var job in events.GroupBy(each => (each.JobId, each.Attempt)))
        {
            var batch = new List<JobEvent>();
            var size = 0;
            foreach (var each in job)
            {
                if (batch.Count > 0 && (batch[^1].Kind != each.Kind || size + each.Data.Length > MostOfMessage || batch.Count >= JobEventCodec.MaxEvents))
                {
                    yield return batch;
                    batch = [];
                    size = 0;
                }

                batch.Add(each);
                size += each.Data.Length;
            }

            yield return batch;
        }
    }

    private async Task SendAllAsync()
    {
        try
        {
            while (true)
            {
                await something.WaitAsync(stopping.Token).ConfigureAwait(false);
                await Task.Delay(Interval, stopping.Token).ConfigureAwait(false);
                var events = queue.TakeAll();
                if (await SendAsync(events, stopping.Token).ConfigureAwait(false)) continue;
                // The final ones are still here, and nobody may ever post again.
                await Task.Delay(Interval * 5, stopping.Token).ConfigureAwait(false);
                Wake();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What is left is sent by who stops this.
        }
    }

    private void Wake()
    {
        try
        {
            something.Release();
        }
        catch (SemaphoreFullException)
        {
            // It knows already.
        }
    }

    /// <returns>False where final events could not be sent, and are to be sent again.</returns>
    private async Task<bool> SendAsync(List<JobEvent> events, CancellationToken cancellation)
    {
        var batches = Batch(events).ToList();
        var sent = await Task.WhenAll(batches.Select(batch => SendBatchAsync(batch, cancellation))).ConfigureAwait(false);
        var unsent = batches.Where((_, i) => !sent[i]).SelectMany(batch => batch).ToList();
        queue.PutBack(unsent);
        return unsent.Count == 0;
    }

    private Task<bool> SendBatchAsync(List<JobEvent> batch, CancellationToken cancellation) =>
        TryPublishAsync($"job.{batch[0].JobId}.{WireNames<JobEventKind>.Of(batch[0].Kind)}", JobEventCodec.Encode(batch), cancellation);

    private async Task<bool> TryPublishAsync(string routingKey, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        try
        {
            var properties = new BasicProperties { ContentType = WireFormat.ContentType, Persistent = false };
            await publishing.PublishAsync(connection.Broker.EventsExchange, routingKey, mandatory: false, properties, body, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is PublishException or OperationCanceledException || BrokerFaults.IsLost(error))
        {
            if (error is not OperationCanceledException) logger.EventsNotSent(error.Message);
            return false;
        }
    }
}
