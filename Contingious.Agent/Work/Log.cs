using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>What is logged about jobs: ids, fields, sizes and fates; never what a job holds or prints.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} ready: takes {Slots} jobs at once from {Queue}")]
    public static partial void AgentStarted(this ILogger logger, string agent, int slots, string queue);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent stops, {Running} jobs to finish")]
    public static partial void AgentStopping(this ILogger logger, int running);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} stopped")]
    public static partial void AgentStopped(this ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Information, Message = "job {JobId} attempt {Attempt} started: image {Image}, {Steps} steps")]
    public static partial void JobStarted(this ILogger logger, string jobId, int attempt, string image, int steps);

    [LoggerMessage(Level = LogLevel.Information, Message = "job {JobId} attempt {Attempt} finished: {Outcome} after {ElapsedMs:0.0} ms")]
    public static partial void JobFinished(this ILogger logger, string jobId, int attempt, Outcome outcome, double elapsedMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {JobId} attempt {Attempt} waits for room: {Reason}")]
    public static partial void JobWaits(this ILogger logger, string jobId, int attempt, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "job {JobId} attempt {Attempt} came again (redelivered: {Redelivered}); it is answered and not run again")]
    public static partial void JobRepeated(this ILogger logger, string jobId, int attempt, bool redelivered);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {JobId} refused: field {Field} of a message of {Size} bytes")]
    public static partial void JobRefused(this ILogger logger, string jobId, string field, long size);

    [LoggerMessage(Level = LogLevel.Error, Message = "job {JobId} attempt {Attempt} failed")]
    public static partial void JobFailed(this ILogger logger, string jobId, int attempt, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "delivery failed, requeued")]
    public static partial void DeliveryFailed(this ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "result of {CorrelationId} has nobody to go to (reply_to {ReplyTo}); dropped")]
    public static partial void ResultUnclaimed(this ILogger logger, string correlationId, string replyTo);

    [LoggerMessage(Level = LogLevel.Warning, Message = "result of {CorrelationId} not confirmed before the connection was lost; kept for the next delivery")]
    public static partial void ResultHeld(this ILogger logger, string correlationId);
}
