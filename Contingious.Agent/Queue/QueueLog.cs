using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Queue;

/// <summary>What is logged about the broker: never a password, never a body.</summary>
internal static partial class QueueLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "connected to {Broker}")]
    public static partial void Connected(this ILogger logger, BrokerOptions broker);

    [LoggerMessage(Level = LogLevel.Warning, Message = "connection to {Address} lost: {Reason}")]
    public static partial void ConnectionLost(this ILogger logger, string address, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "connection to {Address} restored")]
    public static partial void ConnectionRestored(this ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not reconnected, trying on: {Reason}")]
    public static partial void NotReconnected(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the broker at {Address} takes nothing now: {Reason}")]
    public static partial void ConnectionBlocked(this ILogger logger, string address, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "the broker at {Address} takes messages again")]
    public static partial void ConnectionUnblocked(this ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "taking jobs interrupted, going on: {Reason}")]
    public static partial void SourceInterrupted(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "queues are missing: {Reason}")]
    public static partial void QueueMissing(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the broker took jobs back that were held for more than {Seconds} s (its consumer_timeout); set broker.consumer_timeout_s so that no longer jobs are taken, or raise it at the broker")]
    public static partial void AckTimeoutMet(this ILogger logger, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "reading {Stream} interrupted, going on: {Reason}")]
    public static partial void StreamInterrupted(this ILogger logger, string stream, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "decisions of {Jobs} jobs read")]
    public static partial void DecisionsRead(this ILogger logger, int jobs);

    [LoggerMessage(Level = LogLevel.Error, Message = "decision not taken by the broker, trying on: {Reason}")]
    public static partial void DecisionRefused(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "events not sent: {Reason}")]
    public static partial void EventsNotSent(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "listening to {Exchange} interrupted, going on: {Reason}")]
    public static partial void SubscriptionInterrupted(this ILogger logger, string exchange, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "delivery {Tag} went stale with its channel; the broker delivers it again")]
    public static partial void DeliveryWentStale(this ILogger logger, ulong tag);

    [LoggerMessage(Level = LogLevel.Error, Message = "result of {Size} bytes for {ReplyTo} refused by the broker: {Reason}")]
    public static partial void ResultRefused(this ILogger logger, string replyTo, int size, string reason);
}
