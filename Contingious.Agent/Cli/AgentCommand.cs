using System.CommandLine;
using System.Text.Json;
using Contingious.Agent.Configuration;
using Contingious.Agent.Runner;
using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious agent</c>: takes jobs from the queue until it is told to stop.</summary>
internal static class AgentCommand
{
    /// <summary>The loop turns with each heartbeat.</summary>
    private static readonly TimeSpan loopPatience = TimeSpan.FromSeconds(30);

    /// <summary>It left its jobs in the runner. Never seen outside.</summary>
    private const int Left = -1;

    public static Command Build(IReadOnlyList<string> args)
    {
        var flags = new ConfigFlags();
        var check = new Option<bool>("--check") { Description = "look at configuration, host and broker, run nothing, and exit with 1 where the agent could not work" };
        var show = new Option<bool>("--show-config") { Description = "print the configuration that holds and where each value came from, and run nothing" };
        var json = new Option<bool>("--json") { Description = "with --check or --show-config: print JSON" };
        var command = new Command("agent", "Run jobs from the queue until SIGTERM; then finish those that run.") { check, show, json };
        flags.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = flags.Read(parsed);
            if (parsed.GetValue(show)) return await ShowAsync(args, options, parsed.GetValue(json), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(check)) return await CheckAsync(args, options, parsed.GetValue(json), cancellation).ConfigureAwait(false);
            return await RunAsync(args, options, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<string> args, ConfigOptions options, CancellationToken cancellation)
    {
        var next = NextAgent.OfService(args);
        var code = await WorkAsync(args, options, next is not null, cancellation).ConfigureAwait(false);
        if (code == Left && next is not null) throw next.Become();
        return code == Left ? ExitCodes.Ok : code;
    }

    private static async Task<int> WorkAsync(IReadOnlyList<string> args, ConfigOptions options, bool isFollowed, CancellationToken cancellation)
    {
        // (1) As the account, inside its keeper.
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        if (!entry.IsInKeeper) await HostFindings.HandOverAsync(entry.Layout, cancellation).ConfigureAwait(false);
        await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
        var notifier = ServiceNotifier.FromEnvironment(TimeProvider.System);
        await using var notifies = notifier.ConfigureAwait(false);
        notifier.Starting();
        ProgramFiles.LoadForAgent();

        // (2) What the operator decided.
        var config = OperatorConfig.Read(entry.Layout, options);
        using var logging = LoggerFactory.Create(Configure);
        var logger = logging.CreateLogger("contingious");
        foreach (var warning in config.Warnings) logger.ConfigurationDoubtful(warning);

        try
        {
            return await WorkAsync(entry.Layout, config, logger, notifier, isFollowed, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Told to stop before it had begun, while jobs of an agent before it may run.
            logger.AgentStoppedEarly(config.Agent.Name);
            notifier.Stopping("finishes the jobs of the agent before it");
            await FinishRunsAsync(entry.Layout, config.Agent.Grace, logger).ConfigureAwait(false);
            return ExitCodes.Ok;
        }
    }

    private static async Task<int> WorkAsync(HostLayout layout, OperatorConfig config, ILogger logger, ServiceNotifier notifier, bool isFollowed, CancellationToken cancellation)
    {
        // (3) What it is made of.
        var portrait = await HostPortrait.TakeAsync(layout, config, cancellation).ConfigureAwait(false);
        var parts = new LiveParts(layout, config, portrait, logger) { WaitsForBroker = NextAgent.TakeMark() };
        var loop = new LoopWatch(TimeProvider.System, loopPatience);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "contingious" });
        Configure(builder.Logging);
        builder.Services.AddAgent(config.Agent with { Turned = loop.Turned }, _ => parts);
        using var host = builder.Build();
        var agent = host.Services.GetRequiredService<AgentService>();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();

        // (4) What others see of it, until after its end: it is asked how it is while it stops, too.
        var watch = await AgentWatch.StartAsync(config.Telemetry, config.Agent.Name, Look, Health, RunnerMetrics.DirectoryOf(layout), cancellation).ConfigureAwait(false);
        await using var watches = watch.ConfigureAwait(false);
        if (watch.Address is { } address) logger.HealthServed(address);

        // (5) It works until it is told to finish (SIGTERM), or to leave its jobs to the next one (SIGHUP), or until its keeper is gone.
        using var leaving = new LeaveSignal();
        await host.StartAsync(cancellation).ConfigureAwait(false);
        parts.WhenAsked(agent.SayStatus);
        notifier.Ready(() => !loop.IsStuck);
        notifier.Status($"takes {config.Agent.Slots} jobs at once");
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation, leaving.Token, lifetime.ApplicationStopping);
        var isKeeperGone = await new KeeperWatch(new Keeper(layout, TimeProvider.System).IsOwn, TimeProvider.System).WhenGoneAsync(ends.Token).ConfigureAwait(false);
        if (isKeeperGone) logger.KeeperGone(layout.Account.Name);
        if (isKeeperGone || (leaving.Token.IsCancellationRequested && !cancellation.IsCancellationRequested))
        {
            if (!isKeeperGone && isFollowed) notifier.Reloading("leaves its jobs to the program that is installed now, and becomes it");
            else notifier.Stopping(isKeeperGone ? "its keeper is gone, leaves to be started anew" : "leaves its jobs to the next agent");
            await agent.LeaveAsync().ConfigureAwait(false);
        }
        else
        {
            notifier.Stopping("finishes its jobs");
        }

        await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        if (isKeeperGone) return ExitCodes.Ours;
        return cancellation.IsCancellationRequested ? ExitCodes.Ok : leaving.Token.IsCancellationRequested ? Left : ExitCodes.Ours;

        AgentSnapshot Look() => agent.Snapshot(config.Agent);

        AgentHealth Health()
        {
            var standing = agent.Standing;
            var state = standing is null ? "starting" : WireNames<AgentState>.Of(standing.State);
            return AgentHealth.Of(loop, state, standing?.Reason is { Length: > 0 } why ? why : null, parts.IsConnected);
        }
    }

    /// <summary>Their results are kept, for the next agent to report.</summary>
    private static async Task FinishRunsAsync(HostLayout layout, TimeSpan grace, ILogger logger)
    {
        using var patience = new CancellationTokenSource(grace);
        try
        {
            _ = await RunnerClient.EndAllAsync(RunnerPlace.Of(layout), logger, patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or ContingiousException)
        {
            logger.RunnerStays(error.Message);
        }
    }

    private static async Task<int> ShowAsync(IReadOnlyList<string> args, ConfigOptions options, bool asJson, CancellationToken cancellation)
    {
        await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        var config = OperatorConfig.Read(entry.Layout, options);
        if (asJson) Console.WriteLine(ConfigRenderer.ToJson(config));
        else Console.Write(ConfigRenderer.ToText(config));
        return ExitCodes.Ok;
    }

    private static async Task<int> CheckAsync(IReadOnlyList<string> args, ConfigOptions options, bool asJson, CancellationToken cancellation)
    {
        await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
        var name = Whom() ?? HostLayout.ServiceAccount;
        // That the account is missing is the doctor's to tell.
        var account = await HostAccounts.FindAsync(name, HostRoot.Real, cancellation).ConfigureAwait(false) ?? new HostAccount(name, 0, 0, "/");
        var findings = await AgentCheck.RunAsync(() => OperatorConfig.Read(new HostLayout(account), options), ExamineHostAsync, AgentCheck.Parts, cancellation).ConfigureAwait(false);
        if (asJson) Console.WriteLine(JsonSerializer.Serialize([.. findings], CliJson.Default.ListFinding));
        else DoctorCommand.Render([.. findings], "The agent can work here.", "The agent cannot work here");
        return findings.Any(finding => finding.Severity == Severity.Fatal) ? 1 : ExitCodes.Ok;
    }

    private static async Task<IReadOnlyList<Finding>> ExamineHostAsync(CancellationToken cancellation)
    {
        var doctor = await Doctor.ForAsync(Whom(), HostRoot.Real, cancellation, ConfiguredRuntime.Of).ConfigureAwait(false);
        return [.. await doctor.ExamineAsync(cancellation).ConfigureAwait(false)];
    }

    private static string? Whom() => Credentials.EffectiveUid != 0 ? $"{Credentials.EffectiveUid}" : Environment.GetEnvironmentVariable(AccountEntry.AccountVariable);

    private static void Configure(ILoggingBuilder logging) => LogLines.AddTo(logging)
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        // What keeps the agent from starting is said once, by whoever called it.
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
}
