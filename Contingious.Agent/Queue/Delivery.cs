using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>A job's message as it came from a queue. It stays the broker's until it is acknowledged or rejected.</summary>
internal sealed class Delivery : IJobDelivery
{
    /// <summary>
    /// Since RabbitMQ 4.3 the first does not count what was explicitly given back, and the second does where the broker says it.
    /// Neither is there at a first delivery.
    /// </summary>
    private static readonly string[] counters = ["x-delivery-count", "x-acquired-count"];

    private readonly IChannel channel;
    private readonly ulong tag;
    private readonly ILogger logger;

    /// <param name="ofClass">Whose queue it came from.</param>
    /// <param name="channel">Where it came from, and where it is settled.</param>
    /// <param name="tag">Its number on the channel.</param>
    /// <param name="redelivered">As the broker says.</param>
    /// <param name="properties">As they came.</param>
    /// <param name="body">It is the library's and is gone after the callback, so it is copied here.</param>
    /// <param name="logger">Hears of deliveries that could not be settled.</param>
    /// <param name="lost">Cancelled with the channel.</param>
    public Delivery(
        JobClass ofClass, IChannel channel, ulong tag, bool redelivered, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, ILogger logger, CancellationToken lost)
    {
        this.channel = channel;
        this.tag = tag;
        this.logger = logger;
        Class = ofClass;
        Size = body.Length;
        Body = Size <= WireFormat.MaxMessage.Bytes ? body.ToArray() : ReadOnlyMemory<byte>.Empty;
        ReplyTo = properties.ReplyTo is { Length: > 0 } replyTo ? replyTo : null;
        CorrelationId = properties.CorrelationId is { Length: > 0 } id ? id : null;
        TraceParent = properties.Headers?.TryGetValue("traceparent", out var trace) == true ? Headers.Text(trace) : null;
        Posted = properties.IsTimestampPresent() && properties.Timestamp.UnixTime is > 0 and <= 253_402_300_799 and var posted ? DateTimeOffset.FromUnixTimeSeconds(posted) : null;
        Redelivered = redelivered;
        // What a sender wrote there, or what a dead letter that is posted again brings along, is none of this queue's.
        GivenBack = !redelivered ? 0 : counters.Max(counter => properties.Headers?.TryGetValue(counter, out var value) == true ? Headers.Count(value) : 0);
        Lost = lost;
    }

    public JobClass Class { get; }

    public ReadOnlyMemory<byte> Body { get; }

    public long Size { get; }

    public string? ReplyTo { get; }

    public string? CorrelationId { get; }

    public DateTimeOffset? Posted { get; }

    public string? TraceParent { get; }

    public bool Redelivered { get; }

    public int GivenBack { get; }

    public CancellationToken Lost { get; }

    public Task AckAsync() => SettleAsync(() => channel.BasicAckAsync(tag, multiple: false));

    public Task RejectAsync(bool requeue) => SettleAsync(() => channel.BasicRejectAsync(tag, requeue));

    /// <summary>Where the channel was lost the broker has requeued the message: it comes again, and is known by its job's key then.</summary>
    private async Task SettleAsync(Func<ValueTask> settle)
    {
        try
        {
            await settle().ConfigureAwait(false);
        }
        catch (Exception error) when (BrokerFaults.IsLost(error))
        {
            logger.DeliveryWentStale(tag);
        }
    }
}
