using System.Globalization;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>What a job of each class may ask for here: the operator's ceilings, the class's, and what this host has in all.</summary>
internal sealed class ClassLimits(AgentOptions options)
{
    private readonly Dictionary<JobClass, LimitPolicy> policies = Enum.GetValues<JobClass>().ToDictionary(one => one, options.LimitsOf);

    /// <exception cref="WireException">It is no job, or it asks for more than its class may.</exception>
    public Job Decode(IJobDelivery delivery)
    {
        if (delivery.Size > WireFormat.MaxMessage.Bytes) throw JobCodec.TooLarge(delivery.Size);
        try
        {
            return JobCodec.Decode(delivery.Body, policies[delivery.Class]);
        }
        catch (WireException error) when (error.Field.EndsWith("limits.wall_time_ms", StringComparison.Ordinal))
        {
            var most = options.Classes[delivery.Class].MaxWall.TotalMilliseconds.ToString("N0", CultureInfo.InvariantCulture);
            var reason = $"{error.Reason} On this agent a job of the class {WireNames<JobClass>.Of(delivery.Class)} has at most {most}.";
            throw new WireException(error.Field, reason, error.JobId, error.Attempt, error);
        }
    }
}
