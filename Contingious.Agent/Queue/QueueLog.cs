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

    [LoggerMessage(Level = LogLevel.Warning, Message = "consumer of {Queue} ended: {Reason}")]
    public static partial void ConsumerEnded(this ILogger logger, string queue, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "consumer of {Queue} reopened")]
    public static partial void ConsumerReopened(this ILogger logger, string queue);

    [LoggerMessage(Level = LogLevel.Error, Message = "consumer of {Queue} not reopened, trying again: {Reason}")]
    public static partial void ConsumerNotReopened(this ILogger logger, string queue, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "delivery {Tag} went stale with its channel; the broker delivers it again")]
    public static partial void DeliveryWentStale(this ILogger logger, ulong tag);

    [LoggerMessage(Level = LogLevel.Error, Message = "result of {Size} bytes for {ReplyTo} refused by the broker: {Reason}")]
    public static partial void ResultRefused(this ILogger logger, string replyTo, int size, string reason);
}
