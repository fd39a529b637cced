using System.CommandLine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious keeper</c>: the account's namespace, which lives on when agent and commands end.</summary>
internal static class KeeperCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var status = new Command("status", "Say whether it lives.");
        status.SetAction(async (_, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            entry.BecomeAccount(args);
            var keeper = new Keeper(entry.Layout, TimeProvider.System).Find();
            Console.WriteLine(keeper is { } live ? $"live, pid {live.Pid}" : "none; the next command that needs it starts it");
        });
        var stop = new Command("stop", "End it. Sandboxes of an agent that still runs live on until that agent ends.");
        stop.SetAction(async (_, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            entry.BecomeAccount(args);
            var stopped = await new Keeper(entry.Layout, TimeProvider.System).StopAsync(cancellation).ConfigureAwait(false);
            Console.WriteLine(stopped ? "stopped" : "there was none");
        });
        return new Command("keeper", "The account's user and mount namespace, in which sandboxes live.") { status, stop };
    }
}
