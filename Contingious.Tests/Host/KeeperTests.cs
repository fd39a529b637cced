using System.Globalization;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Tests.Support;

namespace Contingious.Tests.Host;

/// <summary>The keeper, seen from the host, by the command line alone.</summary>
[Collection(nameof(AloneOnTheHost))]
public sealed class KeeperTests
{
    [Fact]
    public async Task Ten_commands_at_once_make_one_keeper()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("keeper", "stop");
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Cli.RunAsync("unshare", "--", "readlink", "/proc/self/ns/user", "/proc/self/ns/mnt")));
        Assert.All(answers, answer => Assert.Equal((0, ""), (answer.ExitCode, answer.Stderr)));
        Assert.Single(answers.Select(answer => answer.Stdout).Distinct());
        await LivePidAsync();
    }

    [Fact]
    public async Task K1_A_killed_keeper_is_noticed_and_replaced_by_the_next_command()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("unshare", "--", "true");
        var first = await LivePidAsync();
        Cli.Signal(first, 9);
        for (var i = 0; i < 2000 && ProcessIdentity.Of(first) is not null; i++) await Task.Delay(5);
        Assert.StartsWith("none", (await Cli.RunAsync("keeper", "status")).Stdout);
        Assert.Equal(0, (await Cli.RunAsync("unshare", "--", "true")).ExitCode);
        Assert.NotEqual(first, await LivePidAsync());
    }

    [Fact]
    public async Task A_keeper_s_pid_that_belongs_to_a_later_process_is_not_taken_for_it()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("unshare", "--", "true");
        var entry = await AccountEntry.FindAsync(TestContext.Current.CancellationToken);
        var file = entry.Layout.KeeperFile;
        var genuine = await File.ReadAllTextAsync(file);
        try
        {
            await File.WriteAllTextAsync(file, $"{{\"pid\":{Environment.ProcessId},\"startTime\":1}}");
            Assert.StartsWith("none", (await Cli.RunAsync("keeper", "status")).Stdout);
        }
        finally
        {
            await File.WriteAllTextAsync(file, genuine);
        }

        await LivePidAsync();
    }

    [Fact]
    public async Task Root_s_commands_run_as_the_account()
    {
        await RequirePreparedAsync();
        var map = (await Cli.RunAsync("unshare", "--", "cat", "/proc/self/uid_map")).Stdout.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var entry = await AccountEntry.FindAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0u, entry.Layout.Account.Uid);
        Assert.Equal(["0", $"{entry.Layout.Account.Uid}", "1"], map.Take(3));
    }

    [Fact]
    public async Task The_keeper_inherits_nothing_of_whoever_started_it()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("keeper", "stop");
        await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = "amqp://a:top-secret@localhost/" }, "unshare", "--", "true");
        var pid = await LivePidAsync();
        var environ = await Cli.RunAsync("unshare", "--", "cat", $"/proc/{pid}/environ");
        Assert.Contains("PATH=", environ.Stdout);
        Assert.DoesNotContain("top-secret", environ.Stdout);
        var files = await Cli.RunAsync("unshare", "--", "sh", "-c", $"for f in /proc/{pid}/fd/*; do readlink $f; done");
        Assert.All(files.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries), file => Assert.Matches(@"^(/dev/null|.*keeper\.log|anon_inode:.*|pipe:.*|socket:.*)$", file));
    }

    [Fact]
    public void K5_A_process_is_told_from_a_later_one_with_its_pid()
    {
        var self = ProcessIdentity.Of(Environment.ProcessId);
        Assert.NotNull(self);
        Assert.True(self.Value.IsAlive);
        Assert.False((self.Value with { StartTime = self.Value.StartTime + 1 }).IsAlive);
        Assert.Null(ProcessIdentity.Of(int.MaxValue));
    }

    private static async Task<int> LivePidAsync()
    {
        var status = await Cli.RunAsync("keeper", "status");
        Assert.StartsWith("live, pid ", status.Stdout);
        return int.Parse(status.Stdout["live, pid ".Length..].Trim(), CultureInfo.InvariantCulture);
    }

    private static async Task RequirePreparedAsync()
    {
        var status = await Cli.RunAsync("keeper", "status");
        Prerequisite.Require(status.ExitCode == 0, $"a prepared account: {status.Stderr.Trim()}");
    }
}
