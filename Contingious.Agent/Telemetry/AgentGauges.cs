using System.Diagnostics.Metrics;
using Contingious.Agent.Work;

namespace Contingious.Agent.Telemetry;

/// <summary>How an agent is at a moment, for gauges and for its health.</summary>
/// <param name="State">Its state in a word, one of those of <see cref="States"/>.</param>
/// <param name="Total">What its jobs may use at once.</param>
/// <param name="Free">What of it no job has.</param>
/// <param name="Running">Jobs that run.</param>
/// <param name="Held">Jobs that were taken and wait for room.</param>
internal sealed record AgentSnapshot(string State, Capacity Total, Capacity Free, int Running, int Held)
{
    /// <summary>All states that there are.</summary>
    public static IReadOnlyList<string> States { get; } = ["starting", "ready", "draining", "quarantined"];
}

/// <summary>The agent's gauges. They ask for a snapshot when somebody reads them, and for none where nobody does.</summary>
internal sealed class AgentGauges : IDisposable
{
    private const string Slots = "contingious.agent.slots";
    private readonly Meter meter = new(AgentTelemetry.Name);

    /// <param name="look">Must not block; may be called from any thread.</param>
    public AgentGauges(Func<AgentSnapshot> look)
    {
        Pair("contingious.agent.cpu", "{cpu}", "CPUs", capacity => capacity.Cpus);
        Pair("contingious.agent.memory", "By", "Memory", capacity => capacity.Memory.Bytes);
        Pair("contingious.agent.disk", "By", "Disk", capacity => capacity.Disk.Bytes);
        Pair(Slots, "{slot}", "Slots", capacity => capacity.Slots);
        meter.CreateObservableUpDownCounter("contingious.agent.jobs", () => Jobs(look()), "{job}", "Jobs that the agent has: those that run, and those that wait for room.");
        meter.CreateObservableUpDownCounter("contingious.agent.state", () => States(look().State), "{agent}", "1 for the state that the agent is in, 0 for the others.");

        void Pair(string name, string unit, string what, Func<Capacity, double> part)
        {
            meter.CreateObservableUpDownCounter($"{name}.limit", () => part(look().Total), unit, $"{what} that the agent's jobs may use at once.");
            meter.CreateObservableUpDownCounter($"{name}.free", () => part(look().Free), unit, $"{what} that no job of the agent has.");
        }
    }

    public void Dispose() => meter.Dispose();

    private static IEnumerable<Measurement<long>> Jobs(AgentSnapshot now) =>
    [
        new(now.Running, new KeyValuePair<string, object?>("state", "running")),
        new(now.Held, new KeyValuePair<string, object?>("state", "held")),
    ];

    private static IEnumerable<Measurement<long>> States(string state) =>
        AgentSnapshot.States.Select(each => new Measurement<long>(each == state ? 1 : 0, new KeyValuePair<string, object?>("state", each)));
}
