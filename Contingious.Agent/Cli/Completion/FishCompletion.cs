using System.Text;

namespace Contingious.Agent.Cli.Completion;

/// <summary>For fish: a line of <c>complete</c> for each word.</summary>
internal static class FishCompletion
{
    public static string Render(CommandOutline root)
    {
        var script = new StringBuilder("# fish completion of contingious, made from its command tree\n\n");
        script.Append($"set -g __contingious_commands {string.Join(' ', root.Subcommands.SelectMany(command => command.All).Select(command => Quoted(command.Path)))}\n\n").Append(Functions);
        foreach (var command in root.All) Command(script, command);
        return script.ToString();
    }

    private static void Command(StringBuilder script, CommandOutline command)
    {
        var here = $"complete -c contingious -n {Quoted($"__contingious_is {(command.Path.Length > 0 ? Quoted(command.Path) : "''")}")}";
        script.Append('\n');
        foreach (var sub in command.Subcommands) script.Append($"{here} -f -a {sub.Words[^1]} -d {About(sub.Description)}\n");
        foreach (var option in command.Options)
        {
            var names = option.Names.Select(name => name switch
            {
                ['-', '-', .. var word] => $"-l {word}",
                ['-', var letter] => $"-s {letter}",
                _ => $"-o {name[1..]}",
            });
            script.Append($"{here} {string.Join(' ', names)}{Value(option.Kind, option.Choices)} -d {About(option.Description)}\n");
        }

        if (command.Arguments.Count == 0 && command.Subcommands.Count == 0) script.Append($"{here} -f\n");
        foreach (var kind in command.Arguments.Select(argument => argument.Kind).Where(kind => kind is not (WordKind.Anything or WordKind.Command)).Distinct()) script.Append($"{here}{Argument(kind)}\n");
    }

    private static string Argument(WordKind kind) => kind switch
    {
        WordKind.Image => " -f -a '(__contingious_images)'",
        WordKind.Sandbox => " -f -a '(__contingious_sandboxes)'",
        WordKind.Recipe => " -a '(__contingious_recipes)'",
        WordKind.Directory => " -f -a '(__fish_complete_directories)'",
        WordKind.File or WordKind.None or WordKind.Anything or WordKind.Choice or WordKind.Command => " -F",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind."),
    };

    private static string Value(WordKind kind, IReadOnlyList<string> choices) => kind switch
    {
        WordKind.None => "",
        WordKind.Choice => $" -x -a {Quoted(string.Join(' ', choices))}",
        WordKind.File => " -r -F",
        WordKind.Directory => " -x -a '(__fish_complete_directories)'",
        WordKind.Image => " -x -a '(__contingious_images)'",
        WordKind.Sandbox => " -x -a '(__contingious_sandboxes)'",
        WordKind.Recipe => " -x -a '(__contingious_recipes)'",
        WordKind.Anything or WordKind.Command => " -x",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind."),
    };

    private static string About(string description) => Quoted(CompletionCommand.Brief(description));

    private static string Quoted(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private const string Functions =
        """
        function __contingious_is --description 'the words so far name this command'
            set -l found
            for word in (commandline -opc)[2..-1]
                test "$word" = -- && return 1
                set -l next (string join -- ' ' $found $word)
                if contains -- "$next" $__contingious_commands
                    set -a found $word
                end
            end
            set -l path (string join -- ' ' $found)
            test "$path" = "$argv"
        end

        function __contingious_directory
            set -l name contingious
            set -q CONTINGIOUS_ACCOUNT && set name $CONTINGIOUS_ACCOUNT
            test (id -u) -eq 0 || set name (id -un)
            test $name = contingious || set name contingious-$name
            echo $name
        end

        function __contingious_images
            command ls /var/lib/(__contingious_directory)/images/names 2>/dev/null | sed -e 's/@latest$//' -e 'y|+@|/:|'
        end

        function __contingious_sandboxes
            command ls /run/(__contingious_directory)/locks 2>/dev/null
        end

        function __contingious_recipes
            command find images /usr/share/contingious/images -mindepth 2 -maxdepth 2 -name image.json 2>/dev/null | sed -e 's|/image.json$||' -e 's|.*/||' | sort -u
        end

        """;
}
