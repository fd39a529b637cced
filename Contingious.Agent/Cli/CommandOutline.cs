using System.CommandLine;
using System.CommandLine.Completions;

namespace Contingious.Agent.Cli;

/// <summary>What a word of the command line stands for, as far as a shell can help with it.</summary>
internal enum WordKind
{
    /// <summary>No word: the option stands for itself.</summary>
    None,
    Anything,
    Choice,
    File,
    Directory,
    Image,
    Sandbox,
    Recipe,
    Command,
}

/// <summary>An option, as manual and completion tell of it.</summary>
/// <param name="Names">The name and its aliases, the long one first.</param>
/// <param name="Value">What stands behind it, such as <c>SIZE</c>; nothing for a switch.</param>
/// <param name="Description">Never empty.</param>
/// <param name="Kind">What its value is.</param>
/// <param name="Choices">The words that it may be, where there are few.</param>
internal sealed record OptionOutline(IReadOnlyList<string> Names, string? Value, string Description, WordKind Kind, IReadOnlyList<string> Choices)
{
    public bool IsRequired { get; init; }

    public bool IsRepeatable { get; init; }
}

/// <summary>An argument, as manual and completion tell of it.</summary>
internal sealed record ArgumentOutline(string Name, string Description, WordKind Kind, bool IsOptional, bool IsRepeatable);

/// <summary>A command of the tree without its hidden parts: what manual pages and completions are made from.</summary>
/// <param name="Words">The words that name it, from the program on.</param>
/// <param name="Description">Sentences.</param>
internal sealed record CommandOutline(IReadOnlyList<string> Words, string Description)
{
    public IReadOnlyList<OptionOutline> Options { get; init; } = [];

    public IReadOnlyList<ArgumentOutline> Arguments { get; init; } = [];

    public IReadOnlyList<CommandOutline> Subcommands { get; init; } = [];

    /// <summary>It and all below it, in order.</summary>
    public IEnumerable<CommandOutline> All => Subcommands.SelectMany(command => command.All).Prepend(this);

    public string Name => string.Join(' ', Words);

    /// <summary>The words behind the program's name.</summary>
    public string Path => string.Join(' ', Words.Skip(1));

    public static CommandOutline Of(Command root) => Of(root, [], []);

    private static CommandOutline Of(Command command, IReadOnlyList<string> above, IReadOnlyList<Option> inherited)
    {
        IReadOnlyList<string> words = [.. above, command is RootCommand ? "contingious" : command.Name];
        var options = command.Options.Where(option => !option.Hidden).ToList();
        return new CommandOutline(words, command.Description ?? "")
        {
            Options = [.. options.Concat(inherited).Select(Of)],
            Arguments = [.. command.Arguments.Where(argument => !argument.Hidden).Select(Of)],
            Subcommands = [.. command.Subcommands.Where(sub => !sub.Hidden).Select(sub => Of(sub, words, [.. options.Where(option => option.Recursive), .. inherited]))],
        };
    }

    private static OptionOutline Of(Option option)
    {
        // Help has names of another system too.
        var names = option.Aliases.Prepend(option.Name).Where(name => name.StartsWith('-') && name != "-?").Distinct().OrderByDescending(name => name.StartsWith("--", StringComparison.Ordinal)).ToList();
        var isSwitch = option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool);
        var value = isSwitch ? null : option.HelpName ?? "VALUE";
        var choices = isSwitch ? [] : Choices(option, value ?? "");
        return new OptionOutline(names, value, option.Description ?? "", isSwitch ? WordKind.None : choices.Length > 0 ? WordKind.Choice : Kind(value ?? ""), choices)
        {
            IsRequired = option.Required,
            IsRepeatable = option.ValueType.IsArray,
        };
    }

    private static ArgumentOutline Of(Argument argument)
    {
        var name = (argument.HelpName ?? argument.Name).Replace("-- ", "", StringComparison.Ordinal);
        var arity = argument.Arity;
        return new ArgumentOutline(name, argument.Description ?? "", Kind(name), arity.MinimumNumberOfValues == 0, arity.MaximumNumberOfValues > 1);
    }

    private static string[] Choices(Option option, string value)
    {
        if (value.Contains('|', StringComparison.Ordinal) && !value.Any(char.IsAsciiLetterUpper)) return value.Split('|');
        if (value == "BOOL") return ["true", "false"];
        return [.. option.GetCompletions(CompletionContext.Empty).Select(item => item.Label.ToLowerInvariant())];
    }

    private static WordKind Kind(string value) => value switch
    {
        "FILE" or "HOST:PATH" or "PATH" => WordKind.File,
        "DIR" => WordKind.Directory,
        "IMAGE" or "PATH|IMAGE" => WordKind.Image,
        "SANDBOX" => WordKind.Sandbox,
        "NAME|SOURCE" => WordKind.Recipe,
        "COMMAND" => WordKind.Command,
        _ => WordKind.Anything,
    };
}
