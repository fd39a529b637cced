using Contingious.Agent.Cli;
using Contingious.Agent.Cli.Manual;
using Contingious.Agent.Configuration;

namespace Contingious.Tests.Commands;

public sealed class ManualTests
{
    private static readonly CommandOutline root = CommandOutline.Of(CommandTree.Build([]));

    private static readonly Dictionary<string, string> pages = ManualCommand.Pages(root, "2026-01-31", "1.2.3").ToDictionary(page => page.Name, page => page.Page);

    public static TheoryData<string> Commands { get; } = [.. root.All.Select(command => command.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_says_what_it_and_each_of_its_options_and_arguments_are_for(string name)
    {
        var command = Find(name);
        Assert.NotEmpty(command.Description);
        Assert.All(command.Options, option => Assert.True(option.Description.Length > 3, $"{name} {option.Names[0]} has no description"));
        Assert.All(command.Arguments, argument => Assert.True(argument.Description.Length > 3, $"{name} {argument.Name} has no description"));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_has_a_page_with_all_its_options_and_arguments(string name)
    {
        var command = Find(name);
        var page = pages[$"{name.Replace(' ', '-')}.1"];
        Assert.StartsWith($".TH \"{name.Replace(" ", "\\-", StringComparison.Ordinal)}\" 1 \"2026-01-31\" \"contingious 1.2.3\"", page.Split('\n')[1], StringComparison.Ordinal);
        foreach (var option in command.Options.SelectMany(option => option.Names)) Assert.Contains(Roff.Bold(option), page, StringComparison.Ordinal);
        foreach (var argument in command.Arguments) Assert.Contains($".TP\n{Roff.Italic(argument.Name)}\n", page, StringComparison.Ordinal);
        foreach (var sub in command.Subcommands) Assert.Contains(Roff.Bold(sub.Name), page, StringComparison.Ordinal);
        Assert.Contains(".SH \"EXIT STATUS\"\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_hidden_has_no_page()
    {
        Assert.Contains("contingious-run.1", pages.Keys);
        foreach (var hidden in CommandTree.Build([]).Subcommands.Where(command => command.Hidden)) Assert.DoesNotContain($"contingious-{hidden.Name}.1", pages.Keys);
    }

    [Fact]
    public void Every_value_of_the_configuration_is_explained()
    {
        var page = pages[SettingsPage.FileName];
        foreach (var setting in SettingTable.All)
        {
            var name = setting.Key.StartsWith("limits.", StringComparison.Ordinal) ? setting.Key[(setting.Key.LastIndexOf('.') + 1)..] : setting.Key;
            Assert.Contains($".TP\n{Roff.Bold(name)}\n", page, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(".a request", "\\&.a request")]
    [InlineData("'a request", "\\(aqa request")]
    [InlineData("a\\b -c", "a\\eb \\-c")]
    public void Text_is_text_whatever_is_in_it(string text, string roff) => Assert.Equal(roff, Roff.Text(text));

    private static CommandOutline Find(string name) => root.All.Single(command => command.Name == name);
}
