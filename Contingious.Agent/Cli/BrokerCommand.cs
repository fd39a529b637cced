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
        var setup = new Command("setup", "Declare the queues and exchanges of docs/wire.md. Agents and 'submit' declare them too; this is for accounts that may not.");
        broker.AddTo(setup);
        setup.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var options = broker.Read(parsed);
            await BrokerSetup.DeclareAsync(options, cancellation).ConfigureAwait(false);
            Console.WriteLine($"declared on {options.Address}: queues {options.JobsQueue} and {options.DeadQueue}, exchange {options.DeadExchange}");
        });
        return new Command("broker", "Prepare a broker.") { setup };
    }
}
