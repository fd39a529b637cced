using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>What is said about runners: ids, numbers and fates; never what a job holds or prints.</summary>
internal static partial class RunnerLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "runner {Id} ready, pid {Pid}")]
    public static partial void RunnerReady(this ILogger logger, string id, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "runner {Id} takes no new jobs: {Reason}; {Running} run")]
    public static partial void RunnerRetiring(this ILogger logger, string id, string reason, int running);

    [LoggerMessage(Level = LogLevel.Information, Message = "runner {Id} ends: {Reason}")]
    public static partial void RunnerEnds(this ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent}, pid {Pid}, has come")]
    public static partial void AgentCame(this ILogger logger, string agent, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent {Agent}, pid {Pid}, has left")]
    public static partial void AgentLeft(this ILogger logger, string agent, int pid);

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent {Agent} is sent away: {Reason}")]
    public static partial void AgentSentAway(this ILogger logger, string agent, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "job {JobId} attempt {Attempt} failed")]
    public static partial void RunFailed(this ILogger logger, string jobId, int attempt, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "job {JobId} attempt {Attempt} has ended its runner {Times} times; it is not run again")]
    public static partial void RunRefused(this ILogger logger, string jobId, int attempt, int times);

    [LoggerMessage(Level = LogLevel.Warning, Message = "a runner died while the job {Name} ran, for the {Times}. time")]
    public static partial void RunnerDiedWith(this ILogger logger, string name, int times);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the marks of a dead runner, {Path}, were not read: {Reason}")]
    public static partial void DeadRunnerNotRead(this ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the journal {Path} takes nothing now, results are held in memory: {Reason}")]
    public static partial void JournalNotWritten(this ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "journal file {Path} is set aside: {Reason}")]
    public static partial void JournalFileSetAside(this ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "runner {Id}, pid {Pid}, found; retiring: {Retiring}")]
    public static partial void RunnerFound(this ILogger logger, string id, int pid, bool retiring);

    [LoggerMessage(Level = LogLevel.Information, Message = "runner {Id} started")]
    public static partial void RunnerStarted(this ILogger logger, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "runner {Id} is gone: {Reason}")]
    public static partial void RunnerGone(this ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "runner {Id} is left aside: {Reason}")]
    public static partial void RunnerLeftAside(this ILogger logger, string id, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {JobId} attempt {Attempt} of runner {Id} is not adopted: {Reason}")]
    public static partial void JobNotAdopted(this ILogger logger, string jobId, int attempt, string id, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "an event of job {JobId} attempt {Attempt} was not taken")]
    public static partial void EventNotTaken(this ILogger logger, string jobId, int attempt, Exception error);
}
