using System.CommandLine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious setup</c>: prepares the host, once, as root.</summary>
internal static class SetupCommand
{
    public static Command Build()
    {
        var account = new Option<string?>("--account") { Description = $"prepare it for this account, which exists ({HostLayout.ServiceAccount}, which is made)", HelpName = "NAME" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only say what would be done" };
        var undo = new Option<bool>("--undo") { Description = "remove exactly what setup made; imported images go with it" };
        var command = new Command("setup", "Prepare this host: account, subordinate ids, directories, cgroups. As root, once; running it again does no harm.") { account, dryRun, undo };
        command.SetAction(async (parsed, cancellation) =>
        {
            var setup = await Setup.OpenAsync(new SetupRequest { Account = parsed.GetValue(account) }, cancellation).ConfigureAwait(false);
            var undoing = parsed.GetValue(undo);
            var plan = undoing ? setup.PlanUndo() : setup.Plan();
            string Describe(SetupAction action) => undoing ? action.DescribeUndo() : action.Describe();
            if (plan.Count == 0)
            {
                Console.WriteLine(undoing ? $"nothing to undo for {setup.AccountName}" : $"nothing to do: this host is prepared for {setup.AccountName}");
                return;
            }

            if (parsed.GetValue(dryRun))
            {
                foreach (var action in plan) Console.WriteLine($"would {Describe(action)}");
                return;
            }

            void Done(SetupAction action) => Console.WriteLine($"done: {Describe(action)}");
            if (undoing) await setup.UndoAsync(Done, cancellation).ConfigureAwait(false);
            else await setup.ApplyAsync(Done, cancellation).ConfigureAwait(false);
        });
        return command;
    }
}
