using System.CommandLine;

namespace Contingious.Agent.Cli.Completion;

/// <summary><c>contingious completion SHELL</c>: writes what a shell loads to complete this command line. Static words, for a shell asks at each press of TAB.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, Func<CommandOutline, string>> shells = new(StringComparer.Ordinal)
    {
        ["bash"] = BashCompletion.Render,
        ["zsh"] = ZshCompletion.Render,
        ["fish"] = FishCompletion.Render,
    };

    public static IEnumerable<string> Shells => shells.Keys;

    public static Command Build(Func<CommandOutline> outline)
    {
        var shell = new Argument<string>("shell") { Description = string.Join(", ", Shells), HelpName = "SHELL" };
        shell.AcceptOnlyFromAmong([.. Shells]);
        var command = new Command("completion", "Write the completions of a shell.") { shell };
        command.Hidden = true;
        command.SetAction(parsed => Console.Write(Render(parsed.GetRequiredValue(shell), outline())));
        return command;
    }

    internal static string Render(string shell, CommandOutline root) => shells[shell](root);

    /// <summary>As much of a description as fits beside a word of a list.</summary>
    internal static string Brief(string description)
    {
        const int most = 72;
        var end = description.IndexOfAny(['.', ';', '(']);
        while (end > 0 && end + 1 < description.Length && description[end] == '.' && description[end + 1] != ' ') end = description.IndexOfAny(['.', ';', '('], end + 1);
        var brief = (end > 8 ? description[..end] : description).TrimEnd(' ', '.', ',', ':');
        return brief.Length <= most ? brief : $"{brief[..brief.LastIndexOf(' ', most)].TrimEnd(',', ':')}…";
    }

    /// <summary>A word that every shell takes as it stands.</summary>
    internal static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
