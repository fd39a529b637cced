using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Pool;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Agent.Configuration;

/// <summary>A configuration that is being read: each value that is found goes into it, over the defaults.</summary>
internal sealed class ConfigDraft
{
    public EngineOptions Engine { get; set; } = EngineOptions.Default with { Pool = new PoolOptions() };

    public LimitPolicy Limits { get; } = new();

    public AgentOptions Agent { get; set; } = new();

    public string? SelfTestImage { get; set; }

    /// <summary>What the source that is being read says; over what those before it said, once <see cref="EndSource"/> was called.</summary>
    public BrokerSettings Broker { get; set; } = new();

    private BrokerSettings brokerBelow = new();

    public ResultOptions Results { get; set; } = new();

    public BlobOptions Blobs { get; set; } = new("");

    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>Where each value that is not the default came from, by its key.</summary>
    public Dictionary<string, string> Origins { get; } = new(StringComparer.Ordinal);

    /// <summary>A source was read to its end. A URI there leaves no room for a host from an earlier one, so these are not put together one by one.</summary>
    public void EndSource()
    {
        brokerBelow = Broker.Over(brokerBelow);
        Broker = new BrokerSettings();
    }

    /// <summary>All sources were read.</summary>
    public void EndSources() => Broker = brokerBelow;

    public void SetCapacity(Func<Capacity, Capacity> change) => Agent = Agent with { Capacity = change(Agent.Capacity) };

    public void SetClass(JobClass which, Func<ClassOptions, ClassOptions> change) => Agent = Agent with
    {
        Classes = new Dictionary<JobClass, ClassOptions>(Agent.Classes) { [which] = change(Agent.Classes[which]) },
    };
}
