using System.CommandLine;
using System.Text.Json;
using Contingious.Engine;
using Contingious.Importer;

namespace Contingious.Agent.Cli;

/// <summary>What is put over the image's own config, in podman's words.</summary>
internal sealed class OverrideOptions
{
    private readonly Option<string?> entrypoint = new("--entrypoint") { Description = "in place of the image's entrypoint and command: a program, or a JSON array of it and its arguments", HelpName = "PROGRAM" };
    private readonly Option<string?> cmd = new("--cmd") { Description = "in place of the image's command: a program, or a JSON array of it and its arguments", HelpName = "PROGRAM" };
    private readonly Option<string[]> env = new("--env", "-e") { Description = "set a variable of the image's environment", HelpName = "NAME=VALUE" };
    private readonly Option<string?> user = new("--user", "-u") { Description = "NAME, UID or UID:GID, in place of the image's user", HelpName = "USER" };
    private readonly Option<string?> workdir = new("--workdir", "-w") { Description = "in place of the image's working directory, which is always editable", HelpName = "DIR" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { entrypoint, cmd, env, user, workdir }) command.Options.Add(option);
    }

    /// <exception cref="RejectedRequestException">A value is not of its form.</exception>
    public ConfigOverrides Read(ParseResult parsed, ConfigOverrides recipe)
    {
        var program = Words("--entrypoint", parsed.GetValue(entrypoint));
        var command = Words("--cmd", parsed.GetValue(cmd));
        var variables = (parsed.GetValue(env) ?? []).Select(ProgramOptions.ReadVariable).ToList();
        return recipe with
        {
            Entrypoint = program ?? recipe.Entrypoint,

            // Another entrypoint makes a recipe's command meaningless, as it does an image's.
            Cmd = command ?? (program is null ? recipe.Cmd : null),
            Env = variables.Count == 0 ? recipe.Env : (recipe.Env ?? new Dictionary<string, string>()).Where(pair => variables.TrueForAll(given => given.Key != pair.Key)).Concat(variables.GroupBy(given => given.Key).Select(group => group.Last())).ToDictionary(),
            User = parsed.GetValue(user) ?? recipe.User,
            WorkingDir = parsed.GetValue(workdir) ?? recipe.WorkingDir,
        };
    }

    private static List<string>? Words(string option, string? text)
    {
        if (text is null) return null;
        if (!text.StartsWith('[')) return text.Length == 0 ? [] : [text];
        try
        {
            return JsonSerializer.Deserialize(text, CliJson.Default.ListString);
        }
        catch (JsonException)
        {
            throw new RejectedRequestException(option, $"{option} {text}: write it as one program, or as a JSON array of it and its arguments: '[\"sh\",\"-c\",\"make test\"]'.");
        }
    }
}
