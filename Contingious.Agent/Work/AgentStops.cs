namespace Contingious.Agent.Work;

/// <summary>The ways in which an agent ends, each a step further than the one before it.</summary>
internal sealed class AgentStops : IDisposable
{
    private readonly CancellationTokenSource draining = new();
    private readonly CancellationTokenSource leaving = new();
    private readonly CancellationTokenSource abandoned = new();

    /// <summary>Begin no job any more; what runs is finished.</summary>
    public CancellationToken Draining => draining.Token;

    /// <summary>End now. What runs goes on in the runner, for the next agent to join.</summary>
    public CancellationToken Leaving => leaving.Token;

    /// <summary>End now, and the runs with it. Their jobs go to other agents.</summary>
    public CancellationToken Abandoned => abandoned.Token;

    public void Drain() => draining.Cancel();

    public void Leave()
    {
        draining.Cancel();
        leaving.Cancel();
    }

    public void Abandon()
    {
        draining.Cancel();
        abandoned.Cancel();
    }

    public void Dispose()
    {
        draining.Dispose();
        leaving.Dispose();
        abandoned.Dispose();
    }
}
