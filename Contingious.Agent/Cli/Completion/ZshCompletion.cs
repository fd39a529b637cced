using System.Text;

namespace Contingious.Agent.Cli.Completion;

/// <summary>For zsh: a function of <c>_arguments</c> for each command.</summary>
internal static class ZshCompletion
{
    public static string Render(CommandOutline root)
    {
        var script = new StringBuilder("#compdef contingious\n# zsh completion of contingious, made from its command tree\n\n");
        script.Append(ShellNames.Functions);
        foreach (var (name, what) in (IEnumerable<(string, string)>)[("images", "image"), ("sandboxes", "sandbox"), ("recipes", "recipe")])
        {
            script.Append($"\n_contingious_{name}() {{\n    local -a found\n    found=(${{(f)\"$(__contingious_{name})\"}})\n    compadd -a found\n}}\n".Replace("compadd", $"compadd -X '{what}'", StringComparison.Ordinal));
        }

        foreach (var command in root.All) script.Append('\n').Append(command.Subcommands.Count > 0 ? Branch(command) : Leaf(command));
        return script.Append("\n_contingious \"$@\"\n").ToString();
    }

    private static string Function(CommandOutline command) => $"_{string.Join('_', command.Words)}";

    private static string Leaf(CommandOutline command)
    {
        var specs = Options(command).ToList();
        for (var number = 0; number < command.Arguments.Count; number++)
        {
            var argument = command.Arguments[number];
            var place = argument.Kind == WordKind.Command ? "*:" : argument.IsRepeatable ? "*" : $"{number + 1}{(argument.IsOptional ? ":" : "")}";
            specs.Add(CompletionCommand.Quoted($"{place}:{Message(argument.Name)}:{Action(argument.Kind, [])}"));
        }

        return $"{Function(command)}() {{\n    _arguments -s -S{Joined(specs)}\n}}\n";
    }

    private static string Branch(CommandOutline command)
    {
        var specs = Options(command).Append("'1:command:->command'").Append("'*::argument:->argument'");
        var script = new StringBuilder($"{Function(command)}() {{\n    local curcontext=$curcontext state line\n    local -a commands\n    _arguments -C{Joined(specs)}\n    case $state in\n        command)\n            commands=(\n");
        foreach (var sub in command.Subcommands) script.Append($"                {CompletionCommand.Quoted($"{sub.Words[^1]}:{CompletionCommand.Brief(sub.Description).Replace(":", "\\:", StringComparison.Ordinal)}")}\n");
        script.Append("            )\n            _describe command commands\n            ;;\n        argument)\n            case $words[1] in\n");
        foreach (var sub in command.Subcommands) script.Append($"                {sub.Words[^1]}) {Function(sub)} ;;\n");
        return script.Append("            esac\n            ;;\n    esac\n}\n").ToString();
    }

    private static IEnumerable<string> Options(CommandOutline command)
    {
        foreach (var option in command.Options)
        {
            var about = $"[{Message(CompletionCommand.Brief(option.Description)).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)}]";
            var value = option.Value is { } named ? $":{Message(named)}:{Action(option.Kind, option.Choices)}" : "";
            foreach (var name in option.Names)
            {
                var apart = option.IsRepeatable ? "*" : option.Names.Count > 1 ? $"({string.Join(' ', option.Names)})" : "";
                var takes = option.Value is not null && name.StartsWith("--", StringComparison.Ordinal) ? "=" : "";
                yield return CompletionCommand.Quoted($"{apart}{name}{takes}{about}{value}");
            }
        }
    }

    private static string Joined(IEnumerable<string> specs) => string.Concat(specs.Select(spec => $" \\\n        {spec}"));

    private static string Message(string text) => text.Replace(":", "\\:", StringComparison.Ordinal);

    private static string Action(WordKind kind, IReadOnlyList<string> choices) => kind switch
    {
        WordKind.Choice => $"({string.Join(' ', choices)})",
        WordKind.File => "_files",
        WordKind.Directory => "_files -/",
        WordKind.Image => "_contingious_images",
        WordKind.Sandbox => "_contingious_sandboxes",
        WordKind.Recipe => "_contingious_recipes",
        WordKind.Command => "_normal",
        WordKind.None or WordKind.Anything => "",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind."),
    };
}
