using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary>Asks all agents how they are.</summary>
/// <returns>The encoded heartbeats that came in time, the last of each agent.</returns>
internal delegate Task<IReadOnlyList<ReadOnlyMemory<byte>>> AgentsQuestion(BrokerOptions broker, TimeSpan patience, CancellationToken cancellation);

/// <summary><c>contingious agents</c>: which agents are there, and how they are.</summary>
internal static class AgentsCommand
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(2);

    public static Command Build(IReadOnlyList<string> args, AgentsQuestion ask)
    {
        var json = ReportRenderer.JsonOption();
        var broker = new BrokerOption();
        var command = new Command("agents", "List the agents that answer within two seconds, and how they are.") { json };
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var answers = await ask(await broker.ReadAsync(parsed, cancellation).ConfigureAwait(false), patience, cancellation).ConfigureAwait(false);
            var agents = answers.Select(Read).OfType<AgentStatus>().OrderBy(agent => agent.Name, StringComparer.Ordinal).ToList();
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(agents, CliJson.Default.ListAgentStatus));
            else TextTable.Write(["AGENT", "HOST", "STATE", "JOBS", "HELD", "FREE CPUS", "FREE MEMORY", "IMAGES", "VERSION", "REASON"], agents.Select(Row));
        });
        return command;
    }

    /// <summary>Whoever may write to the broker can call himself an agent: what he says is shown as text and nothing else.</summary>
    internal static IReadOnlyList<string> Row(AgentStatus agent) =>
    [
        TerminalText.Of(agent.Name),
        TerminalText.Of(agent.Host),
        WireNames<AgentState>.Of(agent.State),
        $"{agent.Running}/{agent.Capacity.Slots}",
        $"{agent.Held}",
        agent.Free.Cpus.ToString("0.0", CultureInfo.InvariantCulture),
        $"{agent.Free.Memory}",
        $"{agent.Images.Count}",
        TerminalText.Of(agent.Version),
        TerminalText.Of(agent.Reason),
    ];

    /// <summary>Nothing where it is no heartbeat, or one of an agent of another time.</summary>
    private static AgentStatus? Read(ReadOnlyMemory<byte> message)
    {
        try
        {
            return AgentStatusCodec.Decode(message);
        }
        catch (WireException)
        {
            return null;
        }
    }
}
