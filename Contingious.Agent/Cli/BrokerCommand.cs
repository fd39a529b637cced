using System.CommandLine;
using Contingious.Agent.Queue;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious broker</c>: what an operator does to a broker before agents and senders use it.</summary>
internal static class BrokerCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var broker = new BrokerOption();
        var check = new Option<bool>("--check") { Description = "only look, change nothing, and exit with 1 where something is missing or otherwise" };
        var setup = new Command("setup", "Declare the queues and exchanges of docs/wire.md. Agents and 'submit' declare them too; this is for accounts that may not.") { check };
        broker.AddTo(setup);
        setup.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var options = await broker.ReadAsync(parsed, cancellation).ConfigureAwait(false);
            return parsed.GetValue(check) ? await CheckAsync(options, cancellation).ConfigureAwait(false) : await DeclareAsync(options, cancellation).ConfigureAwait(false);
        });
        return new Command("broker", "Prepare a broker.") { setup };
    }

    private static async Task<int> DeclareAsync(BrokerOptions options, CancellationToken cancellation)
    {
        var lines = await BrokerSetup.DeclareAsync(options, cancellation).ConfigureAwait(false);
        Console.WriteLine($"on {options}:");
        foreach (var line in lines) Console.WriteLine($"  {line}");
        return 0;
    }

    private static async Task<int> CheckAsync(BrokerOptions options, CancellationToken cancellation)
    {
        var problems = await BrokerSetup.CheckAsync(options, cancellation).ConfigureAwait(false);
        foreach (var problem in problems) await Console.Error.WriteLineAsync(problem.Text).ConfigureAwait(false);
        if (problems.Count == 0) Console.WriteLine($"on {options}: everything is there");
        return problems.Count == 0 ? 0 : 1;
    }
}
