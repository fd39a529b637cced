using System.CommandLine;
using System.Text.Json;
using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious ps</c>: the sandboxes that are live now.</summary>
internal static class PsCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var json = ReportRenderer.JsonOption();
        var command = new Command("ps", "List the live sandboxes.") { json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            var layout = await entry.LookIntoKeeperAsync(args, sandbox: null, cancellation).ConfigureAwait(false);
            var sandboxes = layout is null ? [] : new LiveSandboxes(layout, TimeProvider.System).List();
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(sandboxes, CliJson.Default.IReadOnlyListLiveSandbox));
            else TextTable.Write(["SANDBOX", "CONTAINER", "PID", "PROCESSES", "CPU"], sandboxes.Select(sandbox => new[] { sandbox.Name, sandbox.Container ?? "-", $"{sandbox.Pid}", $"{sandbox.Processes}", $"{sandbox.CpuTime.TotalSeconds:0.00}s" }));
        });
        return command;
    }
}
