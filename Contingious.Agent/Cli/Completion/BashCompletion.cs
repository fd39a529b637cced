using System.Text;

namespace Contingious.Agent.Cli.Completion;

/// <summary>For bash, with or without bash-completion.</summary>
internal static class BashCompletion
{
    public static string Render(CommandOutline root)
    {
        var script = new StringBuilder();
        script.Append("# bash completion of contingious, made from its command tree\n# shellcheck shell=bash\n\n").Append(ShellNames.Functions).Append('\n');
        Case(script, "__contingious_subcommands", "The commands below a command, by the words that name it.", root.All.Where(command => command.Subcommands.Count > 0).Select(command => (command.Path, string.Join(' ', command.Subcommands.Select(sub => sub.Words[^1])))));
        Case(script, "__contingious_options", "Its options.", root.All.Select(command => (command.Path, string.Join(' ', command.Options.SelectMany(option => option.Names)))));
        Case(script, "__contingious_arguments", "What its arguments are, in order.", root.All.Where(command => command.Arguments.Count > 0).Select(command => (command.Path, string.Join(' ', command.Arguments.Select(argument => Word(argument.Kind))))));
        Case(script, "__contingious_values", "What stands behind an option: nothing for a switch.", root.All.SelectMany(Values));
        return script.Append(Main).ToString();
    }

    private static IEnumerable<(string Key, string Words)> Values(CommandOutline command) =>
        from option in command.Options
        where option.Kind != WordKind.None
        from name in option.Names
        select ($"{command.Path} {name}".TrimStart(), option.Kind == WordKind.Choice ? $"choice {string.Join(' ', option.Choices)}" : Word(option.Kind));

    private static string Word(WordKind kind) => kind.ToString().ToLowerInvariant();

    private static void Case(StringBuilder script, string function, string what, IEnumerable<(string Key, string Words)> arms)
    {
        script.Append($"# {what}\n{function}() {{\n    reply=\n    case $1 in\n");
        foreach (var same in arms.GroupBy(arm => arm.Words, arm => arm.Key))
        {
            script.Append($"        {string.Join(" | ", same.Select(CompletionCommand.Quoted))}) reply={CompletionCommand.Quoted(same.Key)} ;;\n");
        }

        script.Append("    esac\n}\n\n");
    }

    private const string Main =
        """
        # Completes a word of a kind.
        __contingious_complete() {
            local words=
            case $1 in
                choice) words="${*:2}" ;;
                image) words=$(__contingious_images) ;;
                sandbox) words=$(__contingious_sandboxes) ;;
                recipe)
                    words=$(__contingious_recipes)
                    # Or a file, as part of a source.
                    compopt -o default 2>/dev/null || true
                    ;;
                file | directory | command)
                    [[ $1 == command ]] || compopt -o filenames 2>/dev/null || true
                    mapfile -t COMPREPLY < <(compgen -A "$1" -- "$cur")
                    return
                    ;;
            esac
            # What compgen is given it expands, once, and a name is nothing to expand.
            # shellcheck disable=SC2016
            mapfile -t COMPREPLY < <(compgen -W '$words' -- "$cur")
            # A tag: the colon starts a new word for bash, which replaces that one only.
            if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}"); fi
        }

        _contingious() {
            local cur prev words=() cword reply path='' word i count=0 kinds glued=
            COMPREPLY=()
            # Words as the program gets them: bash takes = and : for words of their own.
            for ((i = 0; i <= COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if ((i > 1)) && [[ $glued || $word == [=:]* ]]; then words[-1]+=$word; else words+=("$word"); fi
                if [[ $word == [=:] ]]; then glued=yes; else glued=; fi
            done
            cword=$((${#words[@]} - 1)) cur=${words[-1]} prev=${words[cword - 1]}

            # The words before this one: commands, options with their values, arguments.
            for ((i = 1; i < cword; i++)); do
                word=${words[i]}
                if [[ $word == -- ]]; then
                    __contingious_complete "$( ((i + 1 < cword)) && echo file || echo command)"
                    return
                elif [[ $word == -* ]]; then
                    __contingious_values "${path:+$path }$word"
                    [[ -z $reply ]] || ((++i))
                else
                    __contingious_subcommands "$path"
                    if [[ " $reply " == *" $word "* ]]; then path=${path:+$path }$word; else ((++count)); fi
                fi
            done

            if [[ $cur == --*=* ]]; then prev=${cur%%=*} cur=${cur#*=}; fi
            if [[ $prev == -* ]]; then
                __contingious_values "${path:+$path }$prev"
                if [[ $reply ]]; then
                    # shellcheck disable=SC2086  # a kind, and the words to choose from
                    __contingious_complete $reply
                    return
                fi
            fi

            if [[ $cur == -* ]]; then
                __contingious_options "$path"
                __contingious_complete choice "$reply"
                return
            fi

            __contingious_subcommands "$path"
            if [[ $reply ]]; then
                __contingious_complete choice "$reply"
                return
            fi

            __contingious_arguments "$path"
            read -ra kinds <<<"$reply"
            ((${#kinds[@]} > 0)) || return 0
            # The last one may be repeated; a program of its own stands behind --.
            ((count < ${#kinds[@]})) || count=$((${#kinds[@]} - 1))
            if [[ ${kinds[count]} == command ]]; then COMPREPLY=(--); else __contingious_complete "${kinds[count]}"; fi
        }

        complete -F _contingious contingious

        """;
}
