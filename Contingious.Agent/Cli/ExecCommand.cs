using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious exec</c>: a further command inside a live sandbox, for whoever looks after it.</summary>
/// <remarks>
/// Where a standard stream is a terminal, or one was asked for, this process stays and relays (<see cref="ExecRelay"/>).
/// Else it becomes the runtime, and bytes pass as they are.
/// </remarks>
internal static class ExecCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var sandbox = new Argument<string>("sandbox") { Description = "a live sandbox or its job's id, as 'contingious ps' lists them", HelpName = "SANDBOX" };
        var words = new Argument<string[]>("command") { Description = "program and arguments", Arity = ArgumentArity.OneOrMore, HelpName = "-- COMMAND" };
        var terminal = new Option<bool>("--tty", "-t", "-it") { Description = "give the command a terminal of its own" };
        var command = new Command(
            "exec",
            "Run a command in a live sandbox, with the privileges and limits of the step that runs there. What it shows is a submission's doing: trust none of it. "
            + "With --tty, and on its way to a terminal, output is cut down to text, colours and cursor movement (no titles, no clipboard, nothing that a terminal answers); else bytes pass unchanged. "
            + "What the command leaves running is killed, at the latest with the next such command or the job's end. Exits with the command's own code, 125 where it could not be begun, 255 where there is no such program.")
        {
            sandbox, words, terminal,
        };
        command.SetAction((parsed, cancellation) => RunAsync(args, parsed.GetRequiredValue(sandbox), parsed.GetRequiredValue(words), parsed.GetValue(terminal), cancellation));
        return command;
    }

    /// <summary>Becomes the runtime, or stays beside it.</summary>
    /// <param name="args">What this process starts over with, where it has to.</param>
    /// <param name="sandbox">The sandbox's name, or its job's id.</param>
    /// <param name="words">Program and arguments.</param>
    /// <param name="isOnTerminal">Whether the command has a terminal of its own.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, string sandbox, IReadOnlyList<string> words, bool isOnTerminal, CancellationToken cancellation)
    {
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        var layout = await entry.LookIntoKeeperAsync(args, sandbox, cancellation).ConfigureAwait(false) ?? throw LiveSandboxes.NoneNamed(sandbox);
        using var own = isOnTerminal ? PseudoTerminal.Open(layout.KeeperRoot) : null;
        var isRelayed = own is not null || ExecRelay.IsNeeded;
        var request = new SessionRequest { Args = words, TerminalPath = own?.Path, IsChild = isRelayed };
        using var session = await new LiveSandboxes(layout, TimeProvider.System).ExecAsync(sandbox, request, cancellation).ConfigureAwait(false);
        if (isRelayed)
        {
            using var relay = new ExecRelay(session, own);
            return await relay.RunAsync(cancellation).ConfigureAwait(false);
        }

        var program = ProgramRunner.Find(session.Program.Program) ?? throw new ContingiousException($"{session.Program.Program} is not installed.");
        ControllingTerminal.Leave();
        throw ProcessImage.Replace(program, session.Program.Args, session.Program.Env);
    }
}
