namespace Contingious.Agent.Cli.Manual;

/// <summary>The manual page of one command, section 1.</summary>
internal static class CommandPage
{
    public static string FileName(CommandOutline command) => $"{string.Join('-', command.Words)}.1";

    public static string Render(CommandOutline command, CommandOutline root, string date, string version)
    {
        var title = string.Join('-', command.Words);
        var page = new Roff(title, 1, date, version);
        page.Section("NAME");
        page.Line($"{Roff.Text(title)} \\- {Roff.Text(Summary(command))}");
        page.Section("SYNOPSIS");
        page.Line(Synopsis(command));
        page.Section("DESCRIPTION");
        page.Line(Roff.Text(command.Description));
        Arguments(page, command);
        Options(page, command);
        Subcommands(page, command);
        page.Section("EXIT STATUS");
        foreach (var (code, meaning) in ExitCodes.Documented(command.Path)) page.Item(Roff.Bold(code), meaning);
        if (command == root) Surroundings(page);
        page.Section("SEE ALSO");
        page.Line(string.Join(", ", Related(command, root).Select(name => $"{Roff.Bold(name)}(1)").Append($"{Roff.Bold(SettingsPage.Name)}(5)")));
        return page.ToString();
    }

    /// <summary>The first sentence without its full stop, as whatis(1) shows it.</summary>
    private static string Summary(CommandOutline command)
    {
        var end = command.Description.IndexOf(". ", StringComparison.Ordinal);
        var sentence = (end < 0 ? command.Description : command.Description[..end]).TrimEnd('.');
        return sentence.Length > 1 && char.IsUpper(sentence[0]) && char.IsLower(sentence[1]) ? char.ToLowerInvariant(sentence[0]) + sentence[1..] : sentence;
    }

    private static string Synopsis(CommandOutline command)
    {
        var parts = new List<string> { Roff.Bold(command.Name) };
        parts.AddRange(command.Options.Where(option => option.IsRequired).Select(Term));
        parts.Add($"[{Roff.Italic("options")}]");
        if (command.Subcommands.Count > 0) parts.Add(Roff.Italic("command"));
        parts.AddRange(command.Arguments.Select(Shape));
        return string.Join(' ', parts);
    }

    private static string Shape(ArgumentOutline argument)
    {
        var words = argument.Kind == WordKind.Command ? $"{Roff.Bold("--")} {Roff.Italic("COMMAND")}" : Roff.Italic(argument.Name);
        if (argument.IsRepeatable) words += " ...";
        return argument.IsOptional ? $"[{words}]" : words;
    }

    private static void Arguments(Roff page, CommandOutline command)
    {
        if (command.Arguments.Count == 0) return;
        page.Section("ARGUMENTS");
        foreach (var argument in command.Arguments) page.Item(Roff.Italic(argument.Name), Sentence(argument.Description) + (argument.IsRepeatable && argument.Kind != WordKind.Command ? " May be given more than once." : ""));
    }

    private static void Options(Roff page, CommandOutline command)
    {
        if (command.Options.Count == 0) return;
        page.Section("OPTIONS");
        foreach (var option in command.Options)
        {
            var choices = option.Choices.Count > 0 && !option.Choices.All(choice => option.Description.Contains(choice, StringComparison.Ordinal)) ? $" One of: {string.Join(", ", option.Choices)}." : "";
            page.Item(Term(option), Sentence(option.Description) + choices + (option.IsRepeatable ? " May be given more than once." : ""));
        }
    }

    private static string Term(OptionOutline option) =>
        string.Join(", ", option.Names.Select(Roff.Bold)) + (option.Value is { } value ? $" {Roff.Italic(value)}" : "");

    private static void Subcommands(Roff page, CommandOutline command)
    {
        if (command.Subcommands.Count == 0) return;
        page.Section("COMMANDS");
        foreach (var sub in command.Subcommands) page.Item(Roff.Bold(sub.Name), $"{sub.Description} See {string.Join('-', sub.Words)}(1).");
    }

    private static IEnumerable<string> Related(CommandOutline command, CommandOutline root)
    {
        var near = command == root
            ? root.Subcommands
            : root.All.Where(other => other == root || other.Subcommands.Contains(command) || command.Subcommands.Contains(other));
        return near.Select(other => string.Join('-', other.Words));
    }

    private static void Surroundings(Roff page)
    {
        page.Section("ENVIRONMENT");
        page.Item(Roff.Bold("CONTINGIOUS_ACCOUNT"), "The account that root's calls continue as (contingious).");
        page.Item(Roff.Bold("CONTINGIOUS_BROKER"), "The broker's URI.");
        page.Item(Roff.Bold("CONTINGIOUS_CONFIG"), "Another configuration file.");
        page.Item(Roff.Bold("CONTINGIOUS_IMAGES"), "Directories of image recipes, with colons between them.");
        page.Section("FILES");
        page.Item(Roff.Italic("/etc/contingious/config.json"), $"What the operator decides: {SettingsPage.Name}(5). For another account NAME: /etc/contingious-NAME/config.json.");
        page.Item(Roff.Italic("/var/lib/contingious"), "Imported images, and what is kept over reboots.");
        page.Item(Roff.Italic("/run/contingious"), "The keeper, and the sandboxes that live.");
        page.Item(Roff.Italic("/var/lib/contingious-setup"), "What setup has done to this host, and what was there before.");
        page.Item(Roff.Italic("/usr/share/contingious/images"), "Image recipes.");
    }

    private static string Sentence(string text) => text.Length == 0 || text[^1] is '.' ? text : $"{text}.";
}
