using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Configuration;

/// <summary>What is logged about the configuration: keys, files and addresses, never a secret.</summary>
internal static partial class ConfigLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "configuration: {Warning}")]
    public static partial void ConfigurationDoubtful(this ILogger logger, string warning);

    [LoggerMessage(Level = LogLevel.Information, Message = "health and metrics served on http://{Address}")]
    public static partial void HealthServed(this ILogger logger, System.Net.IPEndPoint address);
}
