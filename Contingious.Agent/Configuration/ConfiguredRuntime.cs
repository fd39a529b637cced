using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Configuration;

/// <summary>Which runtime an account's jobs are run with, for whoever examines the host.</summary>
internal static class ConfiguredRuntime
{
    /// <returns>Nothing where the configuration is wrong, or not to be read: that is told elsewhere.</returns>
    public static RuntimeKind? Of(HostAccount account)
    {
        try
        {
            return OperatorConfig.Read(new HostLayout(account)).Engine.Runtime;
        }
        catch (ContingiousException)
        {
            return null;
        }
    }
}
