using System.CommandLine;
using Contingious.Agent.Cli.Completion;
using Contingious.Agent.Cli.Manual;
using Contingious.Agent.Queue;

namespace Contingious.Agent.Cli;

/// <summary>The whole command line: a command a file, each parses, calls and renders.</summary>
internal static class CommandTree
{
    /// <summary>
    /// What can be named first. A start makes only the one that was named: where the program is not native (docs/decisions/0017) the runtime takes longer
    /// to make a command than to run some of them, for it compiles what is particular to each type of an option.
    /// </summary>
    private static readonly (string Name, Func<IReadOnlyList<string>, Command> Build)[] commands =
    [
        ("setup", _ => SetupCommand.Build()),
        ("doctor", DoctorCommand.Build),
        ("import", ImportCommand.Build),
        ("image", ImageCommand.Build),
        ("images", args => ImageListCommand.Build(args, "images")),
        ("blob", BlobCommand.Build),
        ("run", RunCommand.Build),
        ("bench", BenchCommand.Build),
        ("ps", PsCommand.Build),
        ("exec", ExecCommand.Build),
        ("agent", AgentCommand.Build),
        ("runner", RunnerCommand.Build),
        ("submit", args => SubmitCommand.Build(args, JobLine.OpenAsync)),
        ("events", args => EventsCommand.Build(args, JobLine.OpenAsync)),
        ("cancel", args => CancelCommand.Build(args, CancelAsync)),
        ("agents", args => AgentsCommand.Build(args, AskAsync)),
        ("broker", BrokerCommand.Build),
        ("keeper", KeeperCommand.Build),
        ("unshare", UnshareCommand.Build),
        ("manual", args => ManualCommand.Build(() => CommandOutline.Of(Build(args)))),
        ("completion", args => CompletionCommand.Build(() => CommandOutline.Of(Build(args)))),
    ];

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        var parsed = BuildFor(args).Parse(args);
        var code = await parsed.InvokeAsync(invocation, cancellation).ConfigureAwait(false);
        return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
    }

    /// <summary>Every command.</summary>
    public static RootCommand Build(IReadOnlyList<string> args) => Build(args, commands);

    /// <summary>The command that a command line names; every one where it names none, but where only the version is asked for.</summary>
    public static RootCommand BuildFor(IReadOnlyList<string> args)
    {
        if (args is ["--version"]) return Build(args, []);
        foreach (var command in commands)
        {
            if (args.Count > 0 && command.Name == args[0]) return Build(args, [command]);
        }

        return Build(args);
    }

    private static RootCommand Build(IReadOnlyList<string> args, ReadOnlySpan<(string Name, Func<IReadOnlyList<string>, Command> Build)> chosen)
    {
        var root = new RootCommand("Runs untrusted programs in fresh rootless containers, and answers with a verdict, the evidence for it, and the output.");
        foreach (var command in chosen) root.Subcommands.Add(command.Build(args));
        return root;
    }

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
