namespace Contingious.Agent.Telemetry;

/// <summary>Whether an agent is well, as the health pages tell it. Sentences for operators, without anything that a job says.</summary>
/// <param name="NotAlive">Why it should be started anew; nothing: it lives, and its loop turns.</param>
/// <param name="NotReady">Why it takes no jobs; nothing: it takes them.</param>
internal sealed record AgentHealth(string? NotAlive, string? NotReady)
{
    /// <summary>Put together from what an agent knows of itself.</summary>
    /// <param name="loop">Watches the loop that takes jobs.</param>
    /// <param name="state">The agent's state, one of <see cref="AgentSnapshot.States"/>.</param>
    /// <param name="why">Why it is in this state, if there is something to say.</param>
    /// <param name="isConnected">Whether the broker is there.</param>
    public static AgentHealth Of(LoopWatch loop, string state, string? why, bool isConnected)
    {
        var stuck = loop.IsStuck ? "The loop that takes jobs has not turned for too long." : null;
        if (stuck is not null) return new AgentHealth(stuck, stuck);
        if (state != "ready") return new AgentHealth(null, $"The agent is {state}{(why is null ? "" : $": {why}")}.");
        return new AgentHealth(null, isConnected ? null : "The broker is not connected.");
    }
}

/// <summary>Notices when a loop has stopped turning. Whoever turns says so each time, at least every few seconds.</summary>
internal sealed class LoopWatch(TimeProvider time, TimeSpan patience)
{
    private long turned = time.GetTimestamp();

    public bool IsStuck => time.GetElapsedTime(Interlocked.Read(ref turned)) > patience;

    /// <summary>The loop is alive.</summary>
    public void Turned() => Interlocked.Exchange(ref turned, time.GetTimestamp());
}
