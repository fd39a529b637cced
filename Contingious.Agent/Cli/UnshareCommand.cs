using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious unshare</c>: a command inside the keeper's namespace, as <c>podman unshare</c> has it.</summary>
internal static class UnshareCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var words = new Argument<string[]>("command") { Description = "program and arguments", Arity = ArgumentArity.OneOrMore, HelpName = "-- COMMAND" };
        var command = new Command("unshare", "Run a command of the host inside the namespace in which sandboxes live.") { words };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var line = parsed.GetRequiredValue(words);
            var program = ProgramRunner.Find(line[0]) ?? throw new ContingiousException($"{line[0]} is not a program on the search path.");
            throw ProcessImage.Replace(program, line[1..], ProcessImage.Environment());
        });
        return command;
    }
}
