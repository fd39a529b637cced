using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>What an agent works with. Each part lives as long as the agent does; who made them ends them.</summary>
/// <param name="Jobs">Where jobs come from.</param>
/// <param name="Runner">Runs them.</param>
/// <param name="Decisions">Knows which result is final.</param>
/// <param name="Results">Publishes it.</param>
/// <param name="Control">What senders and operators tell all agents.</param>
/// <param name="Events">Where events go.</param>
internal sealed record AgentParts(
    IJobSource Jobs,
    IJobRunner Runner,
    IDecisionLog Decisions,
    IResultPublisher Results,
    IControlFeed Control,
    IEventSink Events)
{
    /// <summary>The broker's name of a class's queue, for traces.</summary>
    public Func<JobClass, string> QueueOf { get; init; } = ofClass => $"{BrokerOptions.DefaultPrefix}.jobs.{WireNames<JobClass>.Of(ofClass)}";

    /// <summary>Publishes an encoded <see cref="Wire.AgentStatus"/>; it may be lost.</summary>
    public Func<ReadOnlyMemory<byte>, Task> PublishStatus { get; init; } = _ => Task.CompletedTask;

    /// <summary>What the agent says of its host and its programs.</summary>
    public AgentPortrait Portrait { get; init; } = new();
}

/// <summary>Opens the parts at an agent's start, and closes them when it ends.</summary>
internal interface IAgentPartsSource : IAsyncDisposable
{
    /// <exception cref="Engine.ContingiousException">The broker or the runner cannot be had; the sentence says what to do.</exception>
    Task<AgentParts> OpenAsync(CancellationToken cancellation);

    /// <summary>The agent has finished its jobs, and was not told that another one follows: nothing needs to be kept for one. Called before it is closed, or not at all.</summary>
    void Finished();
}
