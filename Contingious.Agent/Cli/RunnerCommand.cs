using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Contingious.Agent.Configuration;
using Contingious.Agent.Runner;
using Contingious.Agent.Telemetry;
using Contingious.Engine;
using Contingious.Engine.Host;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious runner</c>: the process that runs an agent's jobs and outlives it. Agents start it themselves.</summary>
internal static class RunnerCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var id = new Option<string?>("--id") { Description = "the name that it is found by", HelpName = "ID" };
        id.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } given && (given.Length is 0 or > 32 || !given.All(char.IsAsciiLetterOrDigit))) result.AddError("--id: 1 to 32 letters and digits.");
        });
        var failure = new Option<string?>("--failure") { Description = "the file in which it says why it could not start", HelpName = "FILE" };
        var stop = new Option<bool>("--stop") { Description = "start none; end those that run, when their jobs are finished" };
        var fingerprint = new Option<bool>("--fingerprint") { Description = "start none; print by what agents of this program and configuration know theirs from others" };
        var command = new Command("runner", "Run an agent's jobs, and outlive it. Agents start it themselves; it ends when none needs it.") { id, failure, stop, fingerprint };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
                await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
                if (parsed.GetValue(fingerprint)) Console.WriteLine(RunnerFingerprint.Of(OperatorConfig.Read(entry.Layout)));
                else if (parsed.GetValue(stop)) await StopAsync(RunnerPlace.Of(entry.Layout), cancellation).ConfigureAwait(false);
                else await RunAsync(entry.Layout, parsed.GetValue(id) ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)), cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException)
            {
                if (parsed.GetValue(failure) is { } path) Say(path, error.Message);
                throw;
            }
        });
        return command;
    }

    private static async Task StopAsync(RunnerPlace place, CancellationToken cancellation)
    {
        var ended = await RunnerClient.EndAllAsync(place, NullLogger.Instance, cancellation).ConfigureAwait(false);
        Console.WriteLine(ended == 0 ? "there was none" : string.Create(CultureInfo.InvariantCulture, $"stopped {ended}"));
    }

    private static async Task RunAsync(HostLayout layout, string id, CancellationToken cancellation)
    {
        var config = OperatorConfig.Read(layout);
        using var logging = LoggerFactory.Create(Configure);
        ProgramFiles.LoadForRunner();

        // One whose keeper was replaced cannot be reached by new agents.
        var options = new RunnerOptions { Id = id, Fingerprint = RunnerFingerprint.Of(config), LimitsOf = config.Agent.LimitsOf, IsWanted = new Keeper(layout, TimeProvider.System).IsOwn };
        var watch = RunnerWatch.Start(config.Telemetry, config.Agent.Name, RunnerMetrics.DirectoryOf(layout));
        await using var watched = watch.ConfigureAwait(false);
        config.Engine.Blobs?.Prune();
        async Task<RunnerEngine> OpenAsync()
        {
            var engine = await SandboxEngine.OpenAsync(layout, config.Engine, TimeProvider.System, logging.CreateLogger("contingious.engine")).ConfigureAwait(false);
            return new RunnerEngine(engine.RunAsync) { RestAsync = engine.RestAsync, RetireAsync = () => engine.DisposeAsync().AsTask() };
        }

        await RunnerServer.RunAsync(RunnerPlace.Of(layout), options, OpenAsync, TimeProvider.System, logging.CreateLogger("contingious.runner"), cancellation).ConfigureAwait(false);
    }

    // Whoever started it waits for its socket, and has no other way to hear of this.
    private static void Say(string path, string reason)
    {
        try
        {
            File.WriteAllText($"{path}.new", reason);
            File.Move($"{path}.new", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It waits in vain for a while then: the first fault is the one to tell.
        }
    }

    // The engine's line for each job is the agent's to log: this log is never rotated while it is written.
    private static void Configure(ILoggingBuilder logging) => LogLines.AddTo(logging)
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("contingious.engine", LogLevel.Warning);
}
