using System.Runtime.CompilerServices;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Cli;

/// <summary>
/// What becomes of a command line, and of what goes wrong. A further command for a live sandbox is short and asked for often; it goes to work without
/// the parser, which takes longer to start than the command to run. Everything else is <see cref="CommandTree"/>'s.
/// </summary>
internal static class CommandLine
{
    public static int Run(string[] given)
    {
        try
        {
            OpenFiles.AllowMost();
            AccountEntry.RestoreDirectory();
            var args = CommandWords.Restored(given);
            if (PlainExec.Of(args) is { } exec && !ExecRelay.IsNeeded) return exec.Run(args);
            if (IsForKeeper(args)) EnterKeeper(args);
            return Parse(args);
        }
        catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException)
        {
            return Fail(error.Message);
        }
    }

    /// <summary>Whether a command line is read inside the keeper alone: nothing about it is to be told outside.</summary>
    internal static bool IsForKeeper(string[] args) =>
        args is ["run", ..] && !args.TakeWhile(word => word != "--").Any(word => word is "--help" or "-h" or "-?" or "/h" or "/?" || word.StartsWith('@'));

    /// <summary>Starts over inside a keeper that lives, unparsed. What keeps it from that is told once the words have proved to be in order.</summary>
    private static void EnterKeeper(string[] args)
    {
        try
        {
            AccountEntry.FindAsync(CancellationToken.None).GetAwaiter().GetResult().EnterLiveKeeper(args);
        }
        catch (ContingiousException)
        {
        }
    }

    // Methods of their own, so that a start that needs none of the parser's and the console's types loads none.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Parse(string[] args)
    {
        using var signals = new TerminationSignals();
        try
        {
            return CommandTree.RunAsync(args, signals.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return signals.ExitCode;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Fail(string message)
    {
        Console.Error.WriteLine($"contingious: {TerminalText.Of(message)}");
        return ExitCodes.Ours;
    }
}
