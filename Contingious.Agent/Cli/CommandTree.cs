using System.CommandLine;
using Contingious.Agent.Cli.Completion;
using Contingious.Agent.Cli.Manual;
using Contingious.Agent.Queue;
using Contingious.Engine;

namespace Contingious.Agent.Cli;

/// <summary>The whole command line: a command a file, each parses, calls and renders.</summary>
internal static class CommandTree
{
    public static async Task<int> RunAsync(string[] args)
    {
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        using var signals = new TerminationSignals();
        try
        {
            var parsed = Build(args).Parse(args);
            var code = await parsed.InvokeAsync(invocation, signals.Token).ConfigureAwait(false);
            return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return signals.ExitCode;
        }
        catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"contingious: {TerminalText.Of(error.Message)}").ConfigureAwait(false);
            return ExitCodes.Ours;
        }
    }

    public static RootCommand Build(IReadOnlyList<string> args) => new(
        "Runs untrusted programs in fresh rootless containers, and answers with a verdict, the evidence for it, and the output.")
    {
        SetupCommand.Build(),
        DoctorCommand.Build(args),
        ImportCommand.Build(args),
        ImageCommand.Build(args),
        ImageListCommand.Build(args, "images"),
        BlobCommand.Build(args),
        RunCommand.Build(args),
        PsCommand.Build(args),
        ExecCommand.Build(args),
        AgentCommand.Build(args),
        RunnerCommand.Build(args),
        SubmitCommand.Build(args, JobLine.OpenAsync),
        EventsCommand.Build(args, JobLine.OpenAsync),
        CancelCommand.Build(args, CancelAsync),
        AgentsCommand.Build(args, AskAsync),
        BrokerCommand.Build(args),
        KeeperCommand.Build(args),
        UnshareCommand.Build(args),
        ManualCommand.Build(() => CommandOutline.Of(Build(args))),
        CompletionCommand.Build(() => CommandOutline.Of(Build(args))),
    };

    private static async Task CancelAsync(BrokerOptions broker, string jobId, int? attempt, CancellationToken cancellation)
    {
        var control = await ControlClient.ConnectAsync(broker, cancellation).ConfigureAwait(false);
        await using (control.ConfigureAwait(false)) await control.CancelAsync(jobId, attempt, cancellation).ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<ReadOnlyMemory<byte>>> AskAsync(BrokerOptions broker, TimeSpan patience, CancellationToken cancellation)
    {
        var reader = await StatusReader.ConnectAsync(broker, cancellation).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false)) return [.. (await reader.AskAsync(patience, cancellation).ConfigureAwait(false)).Select(status => status.Body)];
    }
}
