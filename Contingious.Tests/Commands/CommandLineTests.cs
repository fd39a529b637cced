using System.CommandLine;
using Contingious.Agent.Cli;

namespace Contingious.Tests.Commands;

/// <summary>The short ways past the parser mean what the parser would have made of the words.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public void Words_that_are_not_UTF8_are_taken_from_the_command_line_s_own_bytes()
    {
        byte[] line = [.. "dotnet\0contingious.dll\0run\0"u8, 0xff, (byte)'a', 0, (byte)'\n', (byte)'"', 0, 0];
        Assert.Equal(["run", "\udcffa", "\n\"", ""], CommandWords.Of(line, ["run", "\ufffda", "\n\"", ""]));
        Assert.Equal(["run", "é"], CommandWords.Restored(["run", "é"]));
    }

    [Fact]
    public void Each_command_is_made_alone_where_it_is_named_and_every_one_else()
    {
        var all = CommandTree.Build([]).Subcommands.Select(command => command.Name).ToList();
        Assert.Contains("exec", all);
        foreach (var name in all)
        {
            Assert.Equal([name], CommandTree.BuildFor([name, "--help"]).Subcommands.Select(command => command.Name));
            Assert.Equal(CommandOutline.Of(CommandTree.Build([])).Subcommands.SingleOrDefault(command => command.Path == name)?.All.Select(command => command.Name), CommandOutline.Of(CommandTree.BuildFor([name])).Subcommands.SingleOrDefault()?.All.Select(command => command.Name));
        }

        foreach (var line in new string[][] { [], ["--help"], ["--version", "exec"], ["exex"], ["@exec"], ["--", "exec"], ["Exec"] })
        {
            Assert.Equal(all, CommandTree.BuildFor(line).Subcommands.Select(command => command.Name));
        }

        Assert.Empty(CommandTree.BuildFor(["--version"]).Subcommands);
    }

    [Theory]
    [InlineData("ctg-job-1", "true")]
    [InlineData("run-0a1b2c", "sh", "-c", "exit 3")]
    [InlineData("a.b_c", "--tty", "-t", "--help", "--version", "-h")]
    [InlineData("1", "--", "--", "exec")]
    [InlineData("x", "", "@file", "[suggest]", "a=b", "-it")]
    public void A_plain_exec_is_read_as_the_parser_reads_it(string sandbox, params string[] words)
    {
        string[] line = ["exec", sandbox, "--", .. words];
        var plain = PlainExec.Of(line);
        Assert.NotNull(plain);
        Assert.Equal((sandbox, words), (plain.Sandbox, plain.Words.ToArray()), (one, other) => one.Item1 == other.Item1 && one.Item2.SequenceEqual(other.Item2));

        var parsed = CommandTree.Build(line).Parse(line);
        Assert.Empty(parsed.Errors);
        Assert.Equal("exec", parsed.CommandResult.Command.Name);
        Assert.Equal(sandbox, parsed.GetValue<string>("sandbox"));
        Assert.Equal(words, parsed.GetValue<string[]>("command"));
        Assert.False(parsed.GetValue<bool>("--tty"));
    }

    [Theory]
    [InlineData("exec")]
    [InlineData("exec", "job")]
    [InlineData("exec", "job", "--")]
    [InlineData("exec", "job", "true", "--")]
    [InlineData("exec", "-t", "job", "--", "true")]
    [InlineData("exec", "-t", "--", "true")]
    [InlineData("exec", "@job", "--", "true")]
    [InlineData("exec", "", "--", "true")]
    [InlineData("exec", "a/b", "--", "true")]
    [InlineData("exec", "job", "-t", "--", "true")]
    [InlineData("ps", "job", "--", "true")]
    public void Whatever_else_is_said_is_the_parser_s(params string[] line) => Assert.Null(PlainExec.Of(line));

    [Theory]
    [InlineData(true, "run", "image")]
    [InlineData(true, "run", "image", "--", "program", "--help", "@file")]
    [InlineData(false, "run", "--help")]
    [InlineData(false, "run", "image", "-h")]
    [InlineData(false, "run", "@words")]
    [InlineData(false, "runner")]
    [InlineData(false, "--help", "run")]
    [InlineData(false)]
    public void Only_what_asks_for_a_run_enters_the_keeper_unparsed(bool enters, params string[] line) => Assert.Equal(enters, CommandLine.IsForKeeper(line));
}
