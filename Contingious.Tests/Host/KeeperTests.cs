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
    public async Task A_command_that_becomes_another_program_leaves_no_diagnostic_files()
    {
        await RequirePreparedAsync();
        var before = Directory.GetFileSystemEntries(Path.GetTempPath());
        // This program, perhaps as root; then the same as the account and inside; then another one.
        using var command = Cli.Start("unshare", "--", "true");
        await command.WaitForExitAsync();
        Assert.Equal(0, command.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), $"*-{command.Id}-*").Except(before));
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
    public async Task K1_Jobs_outlive_a_killed_keeper_and_nothing_is_left_of_them()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("import", EngineFixture.ImageName);
        var jobs = Enumerable.Range(0, 4).Select(i => Cli.RunAsync("run", EngineFixture.ImageName, "--", "sh", "-c", $"sleep 3; echo {i}")).ToList();
        await AppearanceAsync(jobs.Count);
        Cli.Signal(await LivePidAsync(), 9);

        // Who comes now gets a new keeper, and leaves those of the old one alone.
        Assert.Equal("new\n", (await Cli.RunAsync("run", EngineFixture.ImageName, "--", "echo", "new")).Stdout);
        Assert.Equal([(0, "0\n"), (0, "1\n"), (0, "2\n"), (0, "3\n")], (await Task.WhenAll(jobs)).Select(job => (job.ExitCode, job.Stdout)));
        Assert.Empty(await LeftAsync());
    }

    [Fact]
    public async Task K1_When_keeper_and_agent_are_killed_the_containers_die_and_the_next_keeper_clears_up()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("import", EngineFixture.ImageName);
        using var job = Cli.Start("run", EngineFixture.ImageName, "--", "sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000");
        await AppearanceAsync(1);
        Cli.Signal(await LivePidAsync(), 9);
        job.Kill();
        await job.WaitForExitAsync();
        for (var i = 0; i < 250 && await ProcessCountAsync() > 0; i++) await Task.Delay(20);
        Assert.Equal(0, await ProcessCountAsync());
        Assert.NotEmpty(await LeftAsync());
        Assert.Equal(0, (await Cli.RunAsync("run", EngineFixture.ImageName, "--", "true")).ExitCode);
        Assert.Empty(await LeftAsync());
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
    public async Task K5_The_keeper_inherits_nothing_of_whoever_started_it()
    {
        await RequirePreparedAsync();
        await Cli.RunAsync("keeper", "stop");
        await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = "amqp://a:top-secret@localhost/" }, "unshare", "--", "true");
        var pid = await LivePidAsync();
        var environ = await Cli.RunAsync("unshare", "--", "cat", $"/proc/{pid}/environ");
        Assert.Contains("PATH=", environ.Stdout);
        Assert.DoesNotContain("top-secret", environ.Stdout);
        var layout = (await AccountEntry.FindAsync(TestContext.Current.CancellationToken)).Layout;
        Assert.Equal($"{layout.PrivateDirectory}\n", (await Cli.RunAsync("unshare", "--", "readlink", $"/proc/{pid}/cwd")).Stdout);
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

    /// <summary>Waits till each job's own command runs. What starts a container is in its cgroup too, for a moment: the number of processes says nothing yet.</summary>
    private static async Task AppearanceAsync(int jobs)
    {
        for (var i = 0; i < 1000 && await CommandCountAsync("sleep") < jobs; i++) await Task.Delay(10);
        Assert.InRange(await CommandCountAsync("sleep"), jobs, 100);
    }

    private static async Task<CgroupHomes> HomesAsync() => CgroupHomes.Of((await AccountEntry.FindAsync(TestContext.Current.CancellationToken)).Layout);

    private static async Task<IReadOnlyList<int>> PidsAsync()
    {
        var homes = await HomesAsync();
        return [.. homes.SandboxNames().SelectMany(name => homes.Find(name)?.Pids() ?? [])];
    }

    private static async Task<int> ProcessCountAsync() => (await PidsAsync()).Count;

    private static async Task<int> CommandCountAsync(string command)
    {
        var count = 0;
        foreach (var pid in await PidsAsync())
        {
            try
            {
                if ((await File.ReadAllTextAsync($"/proc/{pid}/comm")).TrimEnd() == command) count++;
            }
            catch (IOException)
            {
                // It has ended since.
            }
        }

        return count;
    }

    /// <summary>What of sandboxes is seen on the host.</summary>
    private static async Task<IReadOnlyList<string>> LeftAsync()
    {
        var entry = await AccountEntry.FindAsync(TestContext.Current.CancellationToken);
        return [.. (await HomesAsync()).SandboxNames(), .. Directory.EnumerateFiles(entry.Layout.LocksDirectory)];
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
