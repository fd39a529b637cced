using System.CommandLine;
using Contingious.Agent.Configuration;

namespace Contingious.Agent.Cli;

/// <summary>The options that say something of the configuration: they win over the environment and the file.</summary>
internal sealed class ConfigFlags
{
    private readonly Option<string?> file = new("--config") { Description = "another configuration file (/etc/contingious/config.json)", HelpName = "FILE" };
    private readonly Option<string[]> values = new("--set") { Description = "a value of the configuration, such as agent.tries=2; not for passwords, which 'ps' shows", HelpName = "KEY=VALUE", AllowMultipleArgumentsPerToken = false };
    private readonly List<(Option<string?> Option, string Key)> shorts =
    [
        (new("--slots") { Description = "jobs at once (one for each CPU)", HelpName = "N" }, "agent.slots"),
        (new("--name") { Description = "said in every result (the host's name)", HelpName = "NAME" }, "agent.name"),
        (new("--broker") { Description = "amqp://USER:PASSWORD@HOST:PORT/VHOST; better set in $CONTINGIOUS_BROKER or the configuration, where 'ps' does not show it", HelpName = "URI" }, "broker.uri"),
        (new("--queue-prefix") { Description = "what the names of the queues begin with (contingious)", HelpName = "PREFIX" }, "broker.prefix"),
    ];

    public ConfigFlags()
    {
        values.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (token.Value.IndexOf('=', StringComparison.Ordinal) <= 0) result.AddError($"--set: '{token.Value}' is no KEY=VALUE.");
                else if (ProblemWith(Given(token.Value)) is { } problem) result.AddError($"--set: {problem}");
            }
        });
        foreach (var (option, key) in shorts)
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens.Count > 0 && ProblemWith(new GivenOption(key, result.Tokens[^1].Value, option.Name)) is { } problem) result.AddError($"{option.Name}: {problem}");
            });
        }
    }

    public void AddTo(Command command)
    {
        foreach (var (option, _) in shorts) command.Options.Add(option);
        command.Options.Add(file);
        command.Options.Add(values);
    }

    public ConfigOptions Read(ParseResult parsed) => new(
        parsed.GetValue(file),
        [
            .. shorts.Select(each => (each.Key, Text: parsed.GetValue(each.Option), each.Option.Name)).Where(each => each.Text is not null).Select(each => new GivenOption(each.Key, each.Text ?? "", each.Name)),
            .. (parsed.GetValue(values) ?? []).Select(Given),
        ]);

    // What holds between values is looked at when all of them are there.
    private static string? ProblemWith(GivenOption given) => SettingTable.Find(given.Key) is { } setting
        ? setting.Set(new ConfigDraft(), ConfigKind.Plain, given.Text)
        : $"'{given.Key}' means nothing. 'contingious agent --show-config' lists what there is.";

    private static GivenOption Given(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return new GivenOption(text[..equals], text[(equals + 1)..], $"--set {text[..equals]}");
    }
}
