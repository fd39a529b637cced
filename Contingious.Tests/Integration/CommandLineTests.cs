using Contingious.Tests.Support;

namespace Contingious.Tests.Integration;

/// <summary>The first things that a new user gets wrong: each message says what to do next.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task Help_lists_every_command()
    {
        var help = await Cli.RunAsync("--help");
        Assert.Equal(0, help.ExitCode);
        foreach (var command in new[] { "setup", "doctor", "import", "images", "image", "blob", "run", "ps", "exec", "agent", "submit", "broker", "keeper", "unshare" })
        {
            Assert.Matches($@"(?m)^\s+{command}\b", help.Stdout);
            Assert.Equal(0, (await Cli.RunAsync(command, "--help")).ExitCode);
        }
    }

    [Theory]
    [InlineData("'--no-such-flag'", "run", "x", "--no-such-flag")]
    [InlineData("'frobnicate'", "frobnicate")]
    [InlineData("'64x' is no size", "run", "x", "--memory", "64x")]
    [InlineData("'soon' is no time", "run", "x", "--cpu-time", "soon")]
    [InlineData("--image", "submit", "--", "true")]
    [InlineData("agent.slots is 0; 1 to 64", "agent", "--slots", "0")]
    [InlineData("'agent.slot' means nothing", "agent", "--set", "agent.slot=3")]
    public async Task A_wrong_word_is_named(string named, params string[] args)
    {
        var result = await Cli.RunAsync(args);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, result.Stderr);
    }

    [Fact]
    public async Task No_broker_is_said_with_its_address_and_without_its_password()
    {
        var result = await Cli.RunAsync("broker", "setup", "--broker", "amqp://me:top-secret@127.0.0.1:1/");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("127.0.0.1:1", result.Stderr);
        Assert.Contains("CONTINGIOUS_BROKER", result.Stderr);
        Assert.DoesNotContain("top-secret", result.Stderr);
    }

    [Fact]
    public async Task An_account_that_was_not_prepared_is_told_the_command()
    {
        Prerequisite.Require(Environment.UserName == "root", "root, who can name any account");
        var result = await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_ACCOUNT"] = "daemon" }, "run", "alpine-hello-world");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("sudo contingious setup --account daemon", result.Stderr);
    }

    [Fact]
    public async Task The_engine_never_runs_as_root()
    {
        Prerequisite.Require(Environment.UserName == "root", "root");
        var result = await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_ACCOUNT"] = "root" }, "run", "alpine-hello-world");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("never runs as root", result.Stderr);
    }
}
