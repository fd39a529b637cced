using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>What a hostile container does to whoever looks into it with <c>contingious exec</c>.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed partial class SessionTests(EngineFixture engine, NativePrograms native)
{
    private static readonly Limits roomy = Limits.Default with { WallTime = TimeSpan.FromSeconds(60), CpuTime = TimeSpan.FromSeconds(30) };
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task E1_A_container_that_answers_with_the_joining_binary_itself_cannot_overwrite_it()
    {
        var crun = ProgramRunner.Find("crun") ?? "";
        var before = await HashAsync(crun);
        await using var sandbox = await LiveAsync("printf '#!/proc/self/exe\\n' >/work/trap; chmod +x /work/trap; (while :; do for exe in /proc/[0-9]*/exe; do { echo pwned >>$exe; } 2>/dev/null; done; done) & sleep 50");
        for (var i = 0; i < 5; i++)
        {
            var answer = await Cli.RunAsync("exec", sandbox.Name, "--", "/work/trap");
            Assert.NotEqual(0, answer.ExitCode);
        }

        Assert.Equal(before, await HashAsync(crun));
    }

    [Fact]
    public async Task E2_Nothing_of_the_caller_is_in_a_session_s_environment()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        var shown = await TerminalAsync(sandbox, "env; cat /proc/self/environ; find / -xdev -type s 2>/dev/null");
        Assert.Contains("TERM=xterm", shown.Shown);
        Assert.DoesNotContain("secret", shown.Shown, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("DOTNET", shown.Shown);
        var piped = await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = "amqp://me:secret@nowhere/" }, "exec", sandbox.Name, "--", "env");
        var names = piped.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]);
        Assert.Equal([], names.Except(["CONTINGIOUS", "LANG", "HOME", "PATH", "USER", "LOGNAME", "PWD", "HOSTNAME"]));
        Assert.DoesNotContain("secret", piped.Stdout, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("exec", "-t")]
    [InlineData("exec")]
    public async Task E3_E5_Nothing_is_typed_on_the_outer_terminal_and_no_descriptor_leaks(params string[] exec)
    {
        await using var sandbox = await LiveAsync("sleep 50", await native.FileAsync("inject"));
        var result = await OuterTerminal.RunAsync(patience, "", kill: false, [Cli.Path, .. exec, sandbox.Name, "--", "/work/inject"]);
        Assert.Contains("typed 0 files 3", result.Shown);
        Assert.Equal(("", true, 0), (result.Left, result.Restored, result.ExitCode));
    }

    [Fact]
    public async Task E5_A_session_has_the_three_standard_streams_and_no_descriptor_more()
    {
        await using var sandbox = await LiveAsync("sleep 50", await native.FileAsync("inject"));
        Assert.Equal("typed 0 files 3\n", (await Cli.RunAsync("exec", sandbox.Name, "--", "/work/inject")).Stdout);
    }

    [Theory]
    [InlineData("exec", "-t")]
    [InlineData("exec")]
    public async Task E4_Only_text_colour_and_cursor_reach_the_outer_terminal(params string[] exec)
    {
        await using var sandbox = await LiveAsync("sleep 50");
        const string script = "printf 'one\\033]0;title\\007\\033]52;c;cm0K\\007\\033[21t\\033[c\\033[6n\\033P$qm\\033\\\\ \\033[31mtwo\\033[m\\005'; sleep 0.5; printf '\\033]0;title\\007three' >&2; sleep 1";
        var result = await OuterTerminal.RunAsync(patience, "", kill: false, [Cli.Path, .. exec, sandbox.Name, "--", "sh", "-c", script]);
        Assert.Matches(@"one \x1b\[31mtwo\x1b\[m(\x1b\[0m)?three", result.Shown);
        Assert.DoesNotMatch(@"title|cm0K|\x1b\]|\x1bP|\x1b\[\d*[tcn]|\x05", result.Shown);
        Assert.Equal((0, true), (result.ExitCode, result.Restored));
    }

    [Theory]
    [InlineData("\"$0\" exec \"$1\" -- \"$2\" \"$3\" \"$4\"")]
    [InlineData("\"$0\" exec \"$1\" -- \"$2\" \"$3\" \"$4\" </dev/null >\"$5\" 2>&1; cat \"$5\"")]
    [InlineData("exec \"$0\" exec \"$1\" -- \"$2\" \"$3\" \"$4\" </dev/null >\"$5\" 2>&1")]
    public async Task E4_A_command_cannot_open_the_outer_terminal_by_another_name(string outer)
    {
        await using var sandbox = await LiveAsync("sleep 50");
        const string script = "printf '\\033]0;title\\007' 2>/dev/null >/dev/tty && echo opened || echo none";
        var answer = Path.GetTempFileName();
        try
        {
            var result = await OuterTerminal.RunAsync(patience, "", kill: false, ["/bin/sh", "-c", outer, Cli.Path, sandbox.Name, "sh", "-c", script, answer]);
            Assert.Contains("none", result.Shown + await File.ReadAllTextAsync(answer, TestContext.Current.CancellationToken));
            Assert.DoesNotContain("title", result.Shown);
            Assert.Equal((0, true), (result.ExitCode, result.Restored));
        }
        finally
        {
            File.Delete(answer);
        }
    }

    [Fact]
    public async Task E4_Between_pipes_bytes_pass_as_they_are()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        Assert.Equal("\e]0;title\a", (await Cli.RunAsync("exec", sandbox.Name, "--", "printf", "\\033]0;title\\007")).Stdout);
    }

    [Fact]
    public async Task A_session_s_terminal_takes_keys_and_the_size_of_the_outer_one_and_gives_the_exit_code_back()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        var result = await TerminalAsync(sandbox, "stty size; echo ready; read line; echo \"got $line\"; seq 1 20000; exit 7", "typed\n");
        Assert.Contains("33 77", result.Shown);
        Assert.Contains("got typed", result.Shown);
        Assert.EndsWith("19999\r\n20000\r\n", result.Shown);
        Assert.Equal((7, true, ""), (result.ExitCode, result.Restored, result.Left));
    }

    [Fact]
    public async Task E6_A_session_has_the_step_s_user_and_privileges_and_a_cgroup_below_the_job_s()
    {
        const string status = "id -u; id -g; grep -E 'NoNewPrivs|Seccomp:|Cap' /proc/self/status; ulimit -n";
        await using var sandbox = await LiveAsync($"{{ {status}; }} >/work/mine; sleep 50");
        var step = await Cli.RunAsync("exec", sandbox.Name, "--", "cat", "/work/mine");
        Assert.Equal(step.Stdout, (await Cli.RunAsync("exec", sandbox.Name, "--", "sh", "-c", status)).Stdout);
        Assert.Contains("NoNewPrivs:\t1", step.Stdout);
        Assert.Contains("Seccomp:\t2", step.Stdout);

        using var session = Cli.Start("exec", sandbox.Name, "--", "sleep", "20");
        var job = JobCgroup(sandbox.Name);
        await UntilAsync(() => SessionPids(job).Any(pid => NameOf(pid) == "sleep"));
        Cli.Signal(session.Id, 9);
    }

    [Fact]
    public async Task E6_A_session_that_forks_is_held_by_the_job_s_limit_of_processes()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        var bomb = await Cli.RunAsync("exec", sandbox.Name, "--", "sh", "-c", "i=0; while [ $i -lt 300 ]; do sleep 5 & i=$((i+1)); done; echo all");
        Assert.DoesNotContain("all", bomb.Stdout);
        Assert.Contains("fork", bomb.Stderr);
    }

    [Fact]
    public async Task E7_The_end_of_a_job_ends_its_sessions_and_does_not_wait_for_them()
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var sandbox = await LiveAsync("until [ -e /work/end ]; do sleep 0.1; done");
        var terminal = TerminalAsync(sandbox, "trap '' HUP TERM INT; while :; do echo flood; sleep 0.01; done");
        using var pipes = Cli.Start("exec", sandbox.Name, "--", "sh", "-c", "trap '' HUP TERM INT; while :; do sleep 1; done");
        await UntilAsync(() => SandboxSessions(sandbox) >= 2);
        var clock = Stopwatch.StartNew();
        await Cli.RunAsync("exec", sandbox.Name, "--", "touch", "/work/end");
        await sandbox.Running;
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        var result = await terminal;
        Assert.Contains("the sandbox has ended", result.Shown);
        Assert.Equal((125, true), (result.ExitCode, result.Restored));
        await pipes.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(patience, TestContext.Current.CancellationToken);
        Assert.Equal(137, pipes.ExitCode);
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
    }

    [Fact]
    public async Task A_session_s_exit_code_is_its_command_s_and_tells_what_cannot_be_run()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        Assert.Equal(77, (await Cli.RunAsync("exec", sandbox.Name, "--", "sh", "-c", "exit 77")).ExitCode);
        Assert.Equal(137, (await Cli.RunAsync("exec", sandbox.Name, "--", "sh", "-c", "kill -9 $$")).ExitCode);
        var missing = await Cli.RunAsync("exec", sandbox.Name, "--", "/nonexistent");
        Assert.Equal(255, missing.ExitCode);
        Assert.Contains("/nonexistent", missing.Stderr);
        Assert.Equal(255, (await Cli.RunAsync("exec", sandbox.Name, "--", "/etc/passwd")).ExitCode);
    }

    [Fact]
    public async Task A_job_s_id_leads_to_that_job_and_to_no_other_whose_id_begins_with_it()
    {
        await using var longer = await LiveAsync("sleep 50");
        var id = longer.Name["ctg-".Length..longer.Name.LastIndexOf('-')];
        Assert.Equal(0, (await Cli.RunAsync("exec", id, "--", "true")).ExitCode);
        var other = await Cli.RunAsync("exec", id[..id.LastIndexOf('-')], "--", "true");
        Assert.Equal(125, other.ExitCode);
        Assert.Contains("No live sandbox", other.Stderr);
    }

    [Fact]
    public async Task E8_A_pid_that_was_used_again_is_nobody_s_container_for_us_and_for_crun()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        var container = $"{Sandbox.PlaceOf(engine.Layout, sandbox.Name)}-step-0";
        var file = $"{engine.Layout.CrunDirectory}/{container}/status";
        var status = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var recycled = PidField().Replace(status, $"\"pid\": {Environment.ProcessId},");
        Assert.NotEqual(status, recycled);

        var copy = $"{engine.Layout.PrivateDirectory}/{container}";
        try
        {
            Directory.CreateDirectory($"{copy}/{container}");
            foreach (var part in Directory.EnumerateFiles($"{engine.Layout.CrunDirectory}/{container}")) File.Copy(part, $"{copy}/{container}/{Path.GetFileName(part)}");
            await File.WriteAllTextAsync($"{copy}/{container}/status", recycled, TestContext.Current.CancellationToken);
            var crun = await ProgramRunner.RunAsync(new ProgramRequest("crun", "--root", copy, "--cgroup-manager=disabled", "exec", container, "true"), TestContext.Current.CancellationToken);
            Assert.NotEqual(0, crun.ExitCode);
            Assert.Contains("not running", crun.Complaint);

            await File.WriteAllTextAsync(file, recycled, TestContext.Current.CancellationToken);
            var ours = await Cli.RunAsync("exec", sandbox.Name, "--", "true");
            Assert.Equal(125, ours.ExitCode);
            Assert.Contains("No live sandbox", ours.Stderr);
        }
        finally
        {
            await File.WriteAllTextAsync(file, status, CancellationToken.None);
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public async Task E9_Twenty_terminals_that_are_torn_away_leave_no_runtime_behind()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        for (var i = 0; i < 20; i++)
        {
            // Every other one is silent, and ignores that its terminal is gone.
            var script = i % 2 == 0 ? "trap '' HUP PIPE; i=0; while [ $i -lt 20000 ]; do echo flood; i=$((i+1)); done; sleep 30" : "trap '' HUP PIPE; echo ready; sleep 30";
            var result = await OuterTerminal.RunAsync(TimeSpan.FromSeconds(0.8), "", kill: true, Cli.Path, "exec", "-t", sandbox.Name, "--", "sh", "-c", script);
            Assert.Equal(-9, result.ExitCode);
        }

        var job = JobCgroup(sandbox.Name);
        await UntilAsync(() => !SessionPids(job).Any(pid => NameOf(pid) == "crun"));

        // Nor do they count for the next one, which takes away what they left.
        Assert.Equal("here\n", (await Cli.RunAsync("exec", sandbox.Name, "--", "echo", "here")).Stdout);
        Assert.InRange(SessionCgroups(job).Count, 0, 1);
    }

    [Fact]
    public async Task D7_A_sandbox_has_eight_sessions_at_once_and_then_is_busy_until_one_ends()
    {
        await using var sandbox = await LiveAsync("sleep 50");
        var sessions = Enumerable.Range(0, 8).Select(_ => Cli.Start("exec", sandbox.Name, "--", "sleep", "40")).ToList();
        await UntilAsync(() => SandboxSessions(sandbox) == 8);
        var refused = await Cli.RunAsync("exec", sandbox.Name, "--", "true");
        Assert.Equal(125, refused.ExitCode);
        Assert.Contains("busy", refused.Stderr);
        Cli.Signal(sessions[0].Id, 9);
        await sessions[0].WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, (await Cli.RunAsync("exec", sandbox.Name, "--", "true")).ExitCode);
        foreach (var session in sessions)
        {
            if (!session.HasExited) Cli.Signal(session.Id, 9);
            session.Dispose();
        }
    }

    private static Task<TerminalResult> TerminalAsync(LiveJob sandbox, string script, string typed = "") =>
        OuterTerminal.RunAsync(patience, typed, kill: false, Cli.Path, "exec", "-t", sandbox.Name, "--", "sh", "-c", script);

    private async Task<LiveJob> LiveAsync(string script, params InputFile[] files)
    {
        var id = engine.NewId();
        var running = engine.RunAsync(["sh", "-c", script], step => step with { Limits = roomy }, request => request with { Id = id, Files = files, Limits = roomy });
        var answer = await Submission.ExecAsync(id, "true");
        Assert.True(answer.ExitCode == 0, answer.Stderr);
        return new LiveJob(id.Value, running);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        var clock = Stopwatch.StartNew();
        while (!isSo())
        {
            Assert.True(clock.Elapsed < patience, "It did not come to be.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    private int SandboxSessions(LiveJob sandbox) =>
        SessionCgroups(JobCgroup(sandbox.Name)).Count(cgroup => cgroup.Pids().Any(pid => NameOf(pid) is "sleep" or "sh"));

    private Cgroup JobCgroup(string name) => CgroupHomes.Of(engine.Layout).Find(Sandbox.PlaceOf(engine.Layout, name)) ?? throw new InvalidOperationException($"{name} has no cgroup.");

    private static List<Cgroup> SessionCgroups(Cgroup job) => [.. job.ChildNames().Where(name => name.StartsWith("exec-", StringComparison.Ordinal)).Select(job.Child)];

    private static List<int> SessionPids(Cgroup job) => [.. SessionCgroups(job).SelectMany(cgroup => cgroup.Pids())];

    private static string NameOf(int pid) => File.Exists($"/proc/{pid}/comm") ? File.ReadAllText($"/proc/{pid}/comm").Trim() : "";

    private static async Task<string> HashAsync(string path)
    {
        await using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, TestContext.Current.CancellationToken));
    }

    [GeneratedRegex("\"pid\": *[0-9]+,")]
    private static partial Regex PidField();

    private sealed record LiveJob(string Name, Task<RunReport> Running) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Cli.RunAsync("exec", Name, "--", "sh", "-c", "kill -9 -1");
            await Running;
        }
    }
}
