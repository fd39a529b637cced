using Microsoft.Extensions.Logging;

namespace Contingious.Engine;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "sweeping {Sandbox}: its owner died without giving it back")]
    public static partial void Sweeping(ILogger logger, string sandbox);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Sandbox} ended {Outcome} after {Elapsed}")]
    public static partial void Ended(ILogger logger, Model.SandboxId sandbox, Model.Outcome outcome, TimeSpan elapsed);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Sandbox} could not be given back; the next sweep tries again")]
    public static partial void ReleaseFailed(ILogger logger, Exception error, string sandbox);

    [LoggerMessage(Level = LogLevel.Warning, Message = "what an earlier process left of {Sandbox} could not be given back, and is tried again later")]
    public static partial void NotSwept(ILogger logger, Exception error, string sandbox);

    [LoggerMessage(Level = LogLevel.Warning, Message = "no sandbox of {Image} could be made ahead of its job; jobs have theirs made when they come")]
    public static partial void NotParked(ILogger logger, Exception error, string image);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the sandboxes that wait for jobs could not be looked after; jobs have theirs made when they come")]
    public static partial void PoolFailed(ILogger logger, Exception error);
}
