using System.Collections;
using System.CommandLine;
using Contingious.Agent.Configuration;
using Contingious.Agent.Queue;
using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary>Which broker: by option, else by environment, which other users of the host cannot read, else by the configuration of the account.</summary>
internal sealed class BrokerOption
{
    private const string Variable = "CONTINGIOUS_BROKER";

    private readonly Option<string?> broker = new("--broker")
    {
        Description = $"amqp://USER:PASSWORD@HOST:PORT/VHOST; a password is better set in ${Variable} or a file (${Variable}_PASSWORD_FILE), where 'ps' does not show it (the configuration's, {BrokerOptions.DefaultUri})",
        HelpName = "URI",
    };

    private readonly Option<string?> prefix = new("--queue-prefix") { Description = $"what the names of the queues begin with ({BrokerOptions.DefaultPrefix})", HelpName = "PREFIX" };

    public void AddTo(Command command)
    {
        command.Options.Add(broker);
        command.Options.Add(prefix);
    }

    /// <summary>Reads as the agent does, so that whoever asks and whoever works mean the same broker.</summary>
    /// <exception cref="ContingiousException">Something that was said is wrong.</exception>
    public async Task<BrokerOptions> ReadAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var given = new List<GivenOption>();
        if (parsed.GetValue(broker) is { } uri) given.Add(new GivenOption("broker.uri", uri, broker.Name));
        if (parsed.GetValue(prefix) is { } text) given.Add(new GivenOption("broker.prefix", text, prefix.Name));
        if (new BrokerSettings { Uri = parsed.GetValue(broker) }.NamesPassword)
        {
            await Console.Error.WriteLineAsync($"contingious: warning: the password in --broker can be read by every user of this host (ps). Set {Variable}, or {Variable}_PASSWORD_FILE to a file that holds it.").ConfigureAwait(false);
        }

        return BrokerOptions.Create(Read(await FindLayoutAsync(cancellation).ConfigureAwait(false), new ConfigOptions(null, given)).Broker);
    }

    /// <summary>Somebody for whom nothing was set up may post jobs too, and then has the service account's file, as far as it may be read.</summary>
    private static async Task<HostLayout> FindLayoutAsync(CancellationToken cancellation)
    {
        try
        {
            return (await AccountEntry.FindAsync(cancellation).ConfigureAwait(false)).Layout;
        }
        catch (HostNotReadyException)
        {
            return new HostLayout(new HostAccount(HostLayout.ServiceAccount, 0, 0, "/"));
        }
    }

    /// <summary>A file that is there by default and closed to this user says nothing; one that was named has to be read.</summary>
    private static OperatorConfig Read(HostLayout layout, ConfigOptions options)
    {
        try
        {
            return OperatorConfig.Read(layout, options);
        }
        catch (ContingiousException error) when (error.InnerException is UnauthorizedAccessException && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OperatorConfig.PathVariable)))
        {
            var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
                .ToDictionary(variable => (string)variable.Key, variable => variable.Value as string ?? "", StringComparer.Ordinal);
            return OperatorConfig.Compose(null, "", environment, options);
        }
    }
}
