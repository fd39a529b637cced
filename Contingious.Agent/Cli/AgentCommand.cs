using System.CommandLine;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Host;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious agent</c>: takes jobs from the queue until it is told to stop.</summary>
internal static class AgentCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var slots = new Option<int>("--slots") { Description = "jobs at once (one for each CPU)", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        slots.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostSlots) result.AddError($"--slots: from 1 to {MostSlots}, as each takes a slice of subordinate ids.");
        });
        var name = new Option<string>("--name") { Description = "said in every result (the host's name)", HelpName = "NAME", DefaultValueFactory = _ => Environment.MachineName };
        var broker = new BrokerOption();
        var command = new Command("agent", "Run jobs from the queue until SIGTERM; then finish those that run.") { slots, name };
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var queue = broker.Read(parsed);
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var config = OperatorConfig.Read(entry.Layout);
            var options = new AgentOptions { Name = parsed.GetRequiredValue(name), Slots = parsed.GetValue(slots), Limits = config.Limits };
            using var logging = LoggerFactory.Create(Configure);
            var engine = await SandboxEngine.OpenAsync(entry.Layout, config.Engine, TimeProvider.System, logging.CreateLogger("contingious.engine")).ConfigureAwait(false);
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "contingious" });
            Configure(builder.Logging);
            builder.Services.AddAgent(options, queue, engine.RunAsync);
            using var host = builder.Build();
            await host.RunAsync(cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private const int MostSlots = 64;

    private static void Configure(ILoggingBuilder logging) => logging
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        })
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning);
}
