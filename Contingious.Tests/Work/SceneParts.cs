using Contingious.Agent.Queue;
using Contingious.Agent.Work;
using Microsoft.Extensions.Logging;

namespace Contingious.Tests.Work;

/// <summary>All that a real agent has of a real broker, and a runner in this process over a fake engine.</summary>
internal sealed class SceneParts(AgentOptions options, BrokerOptions broker, JobRunner run, ILogger logger) : IAgentPartsSource
{
    private AgentBroker? opened;

    public async Task<AgentParts> OpenAsync(CancellationToken cancellation)
    {
        var weights = options.Classes.ToDictionary(one => one.Key, one => one.Value.Weight);
        opened = await AgentBroker.OpenAsync(broker, options.Name, weights, LiveParts.LongestHold(options), logger, cancellation);
        return new AgentParts(opened.Source, new InProcessRunner(options.Name, run), opened.Decisions, opened.Results, opened.Control, opened.Events)
        {
            PublishStatus = status => opened.Events.PublishStatusAsync(status, options.Name, CancellationToken.None),
        };
    }

    /// <summary>The agent said that it had finished.</summary>
    public bool IsFinished { get; private set; }

    public void Finished() => IsFinished = true;

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        opened = null;
    }
}
