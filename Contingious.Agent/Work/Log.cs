using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>What is logged about jobs: ids, fields, sizes and fates; never what a job holds or prints.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} ready: takes {Slots} jobs at once")]
    public static partial void AgentStarted(this ILogger logger, string agent, int slots);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} leaves, {Running} jobs go on without it")]
    public static partial void AgentLeaving(this ILogger logger, string agent, int running);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the runner could not be ended now, and ends by itself when nothing needs it: {Reason}")]
    public static partial void RunnerStays(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent stops, {Running} jobs to finish")]
    public static partial void AgentStopping(this ILogger logger, int running);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} is told to stop while it starts: it takes no jobs, and waits for those that an agent before it began")]
    public static partial void AgentStoppedEarly(this ILogger logger, string agent);

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

    [LoggerMessage(Level = LogLevel.Warning, Message = "result of {CorrelationId} refused by the broker, published again in {PauseSeconds:0} s")]
    public static partial void ResultRefused(this ILogger logger, string correlationId, double pauseSeconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "result of {CorrelationId} refused by the broker for {Seconds:0} s: its job goes to the dead letters, and whoever posts it again gets the result")]
    public static partial void ResultGivenUp(this ILogger logger, string correlationId, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "the broker took jobs back after {LimitSeconds:0} s, and the longest may be held for {HoldSeconds:0} s: set consumer_timeout in the broker's rabbitmq.conf (milliseconds) to more than that and say so in broker.consumer_timeout_s, or lower max_wall_ms of the classes")]
    public static partial void HeldTooLong(this ILogger logger, double limitSeconds, double holdSeconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "the keeper of {Account} has ended or was replaced: the agent ends, and works again when it is started anew")]
    public static partial void KeeperGone(this ILogger logger, string account);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the agent's ending is not over after {Seconds:0} s and is not waited for any longer")]
    public static partial void EndingStuck(this ILogger logger, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {JobId} attempt {Attempt} was interrupted and is given back: {Reason}")]
    public static partial void JobInterrupted(this ILogger logger, string jobId, int attempt, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "result of {CorrelationId} not confirmed before the connection was lost; kept for the next delivery")]
    public static partial void ResultHeld(this ILogger logger, string correlationId);

    [LoggerMessage(Level = LogLevel.Error, Message = "job {JobId} attempt {Attempt} was given back {Times} times and is known to nobody: it is not tried again")]
    public static partial void JobPoisonous(this ILogger logger, string jobId, int attempt, int times);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {JobId} attempt {Attempt}: the runner was not told: {Reason}")]
    public static partial void RunnerDeaf(this ILogger logger, string jobId, int attempt, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "delivery not settled; it comes again with its channel")]
    public static partial void DeliveryStuck(this ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "agent {Agent} under quarantine, takes no jobs until one of its own has passed: {Reason}")]
    public static partial void Quarantined(this ILogger logger, string agent, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} takes jobs again: its own job passed")]
    public static partial void QuarantineOver(this ILogger logger, string agent);

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent {Agent} stays under quarantine: {Reason}")]
    public static partial void SelfTestFailed(this ILogger logger, string agent, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent} adopts {Jobs} jobs of an earlier one")]
    public static partial void Adopting(this ILogger logger, string agent, int jobs);

    [LoggerMessage(Level = LogLevel.Error, Message = "no job taken, trying again")]
    public static partial void TakingFailed(this ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Debug, Message = "status not published: {Reason}")]
    public static partial void StatusUnsaid(this ILogger logger, string reason);
}
