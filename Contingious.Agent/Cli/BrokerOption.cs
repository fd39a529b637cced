using System.CommandLine;
using Contingious.Agent.Queue;

namespace Contingious.Agent.Cli;

/// <summary>Which broker: by option, else by environment, which other users of the host cannot read.</summary>
internal sealed class BrokerOption
{
    public const string Variable = "CONTINGIOUS_BROKER";

    private readonly Option<string?> broker = new("--broker") { Description = $"amqp://USER:PASSWORD@HOST:PORT/VHOST; better set in ${Variable}, where 'ps' does not show it ({BrokerOptions.DefaultUri})", HelpName = "URI" };
    private readonly Option<string> prefix = new("--queue-prefix") { Description = "what the names of the queues begin with", HelpName = "PREFIX", DefaultValueFactory = _ => BrokerOptions.DefaultPrefix };

    public void AddTo(Command command)
    {
        command.Options.Add(broker);
        command.Options.Add(prefix);
    }

    public BrokerOptions Read(ParseResult parsed) =>
        BrokerOptions.Parse(parsed.GetValue(broker) ?? Environment.GetEnvironmentVariable(Variable) ?? BrokerOptions.DefaultUri, parsed.GetRequiredValue(prefix));
}
