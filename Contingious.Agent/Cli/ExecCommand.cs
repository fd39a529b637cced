using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious exec</c>: a further command inside a live sandbox, for whoever looks after it.</summary>
internal static class ExecCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var sandbox = new Argument<string>("sandbox") { Description = "a live sandbox or its job's id, as 'contingious ps' lists them", HelpName = "SANDBOX" };
        var words = new Argument<string[]>("command") { Description = "program and arguments", Arity = ArgumentArity.OneOrMore, HelpName = "-- COMMAND" };
        var terminal = new Option<bool>("--tty", "-t", "-it") { Description = "give the command a terminal of its own" };
        var command = new Command("exec", "Run a command in a live sandbox, with the privileges and limits of the step that runs there. What it shows is a submission's doing: trust none of it.") { sandbox, words, terminal };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var engine = await SandboxEngine.OpenAsync(entry.Layout, EngineOptions.Default, TimeProvider.System, NullLogger.Instance).ConfigureAwait(false);
            var request = engine.Exec(parsed.GetRequiredValue(sandbox), parsed.GetRequiredValue(words), parsed.GetValue(terminal));
            var program = ProgramRunner.Find(request.Program) ?? throw new ContingiousException($"{request.Program} is not installed.");
            throw ProcessImage.Replace(program, request.Args, request.Env);
        });
        return command;
    }
}
