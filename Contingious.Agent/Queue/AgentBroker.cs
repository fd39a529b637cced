using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Queue;

/// <summary>
/// All that an agent has of the broker. Two connections: a broker that is short of memory stops reading from those that publish,
/// and jobs can still be settled over the other.
/// </summary>
internal sealed class AgentBroker : IAsyncDisposable
{
    private readonly BrokerConnection taking;
    private readonly BrokerConnection giving;
    private readonly JobSource source;
    private readonly DecisionLog decisions;
    private readonly ResultPublisher results;
    private readonly ControlFeed control;
    private readonly EventPublisher events;

    private AgentBroker(BrokerConnection taking, BrokerConnection giving, DecisionLog decisions, ControlFeed control, IReadOnlyDictionary<JobClass, int> weights, ILogger logger)
    {
        this.taking = taking;
        this.giving = giving;
        this.decisions = decisions;
        this.control = control;
        source = new JobSource(taking, weights, logger);
        results = new ResultPublisher(giving, logger);
        events = new EventPublisher(giving, logger);
    }

    public JobSource Source => source;

    public DecisionLog Decisions => decisions;

    public ResultPublisher Results => results;

    public ControlFeed Control => control;

    public EventPublisher Events => events;

    public bool IsOpen => taking.IsOpen && giving.IsOpen;

    /// <summary>The broker takes nothing now, as when its memory or its disk is used up.</summary>
    public bool IsBlocked => taking.IsBlocked || giving.IsBlocked;

    /// <summary>How often a connection was lost.</summary>
    public int Losses => taking.Losses + giving.Losses;

    /// <summary>Connects, declares what is missing or looks that it is there, and reads the decisions and the cancels up to now.</summary>
    /// <param name="broker">Which broker.</param>
    /// <param name="agentName">What the connections are called at the broker.</param>
    /// <param name="weights">Each class's share, at least 1; classes that are not there are not served.</param>
    /// <param name="longestHold">How long a job may be held from being taken to being acknowledged.</param>
    /// <param name="logger">Hears of what comes and goes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">The broker does not answer or refuses, has other queues of these names, or takes jobs back sooner than they may be held.</exception>
    public static async Task<AgentBroker> OpenAsync(
        BrokerOptions broker, string agentName, IReadOnlyDictionary<JobClass, int> weights, TimeSpan longestHold, ILogger logger, CancellationToken cancellation)
    {
        var parts = new Stack<IAsyncDisposable>();
        try
        {
            var taking = await BrokerConnection.OpenAsync(broker, $"contingious agent {agentName}", logger, cancellation).ConfigureAwait(false);
            parts.Push(taking);
            if (AckTimeout.Of(taking.BrokerVersion, broker.StatedConsumerTimeout).ProblemWith(longestHold) is { } problem) throw new ContingiousException(problem);
            await new TopologyCheck(taking).EnsureAsync(cancellation).ConfigureAwait(false);
            var giving = await BrokerConnection.OpenAsync(broker, $"contingious agent {agentName}, results", logger, cancellation).ConfigureAwait(false);
            parts.Push(giving);
            var control = await ControlFeed.OpenAsync(taking, giving, logger, cancellation).ConfigureAwait(false);
            parts.Push(control);
            var decisions = await DecisionLog.OpenAsync(taking, giving, logger, cancellation).ConfigureAwait(false);
            return new AgentBroker(taking, giving, decisions, control, weights, logger);
        }
        catch
        {
            while (parts.TryPop(out var part)) await part.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What was taken and not settled is the broker's again. Events that wait are sent first.</summary>
    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync().ConfigureAwait(false);
        await events.DisposeAsync().ConfigureAwait(false);
        await control.DisposeAsync().ConfigureAwait(false);
        await decisions.DisposeAsync().ConfigureAwait(false);
        await results.DisposeAsync().ConfigureAwait(false);
        await giving.DisposeAsync().ConfigureAwait(false);
        await taking.DisposeAsync().ConfigureAwait(false);
    }
}
