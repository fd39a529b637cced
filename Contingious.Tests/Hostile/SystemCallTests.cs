using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>
/// Every system call of interest, made in a sandbox: the answers are those written down in Native/probe.expected, where a
/// star stands for whatever the kernel has to say, but not for a refusal.
/// </summary>
[Trait("Needs", "keeper")]
public sealed class SystemCallTests(EngineFixture engine, NativePrograms native)
{
    private const string Probe = "PROBE_IN_SANDBOX=1 ./probe";

    private static readonly string[] mountFamily =
    [
        "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr",
    ];

    [Fact]
    public async Task C6_C17_A_job_s_program_gets_the_answers_written_down()
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("probe"), Probe);
        AssertExpected(report.RequireOk());
    }

    [Fact]
    public async Task C6_A_further_command_in_the_sandbox_gets_the_same_answers()
    {
        var id = engine.NewId();
        var probe = await native.FileAsync("probe");
        var running = engine.RunAsync(["sleep", "60"], job: request => request with { Id = id, Files = [probe], Limits = Limits.Default with { WallTime = TimeSpan.FromSeconds(60) } });
        var answer = await Submission.ExecAsync(id, "/work/probe");
        Assert.Equal(0, answer.ExitCode);
        AssertExpected(answer.Stdout);
        await Submission.ExecAsync(id, "sh", "-c", "kill $(pidof sleep)");
        await running;
    }

    [Fact]
    public async Task C4_C5_Root_of_the_container_gets_no_further()
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("probe"), Probe, user: "0");
        var answers = Parse(report.RequireOk());
        Assert.All(mountFamily, call => Assert.Equal((call, 1), (call, answers[call])));
        Assert.All(answers.Keys.Where(call => call.StartsWith("clone:", StringComparison.Ordinal)), call => Assert.Equal((call, 1), (call, answers[call])));
        Assert.Equal((1, 1, 38), (answers["unshare"], answers["setns"], answers["clone3"]));

        // All refusals but the one that is the kernel's own: there, root without capabilities may not even write.
        var refusals = Expected().Where(line => (line.EndsWith(" 1", StringComparison.Ordinal) || line.EndsWith(" 38", StringComparison.Ordinal)) && !line.StartsWith("mknodat:", StringComparison.Ordinal));
        Assert.All(refusals, line => Assert.Contains(line, report.Lines()));
    }

    [Theory]
    [InlineData("i386")]
    [InlineData("x32")]
    public async Task C6_A_system_call_of_another_architecture_kills_its_maker(string table)
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("foreign"), $"exec ./foreign {table}");
        Assert.Equal(Outcome.Signalled, report.Outcome);
        Assert.Equal("", report.Stdout());
        Assert.Equal(31, report.Steps[0].Signal); // SIGSYS
    }

    [Fact]
    public async Task C6_A_program_that_tries_everything_is_judged_by_how_it_ends()
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("probe"), $"{Probe} >/dev/null; exit 3");
        Assert.Equal((Outcome.NonZeroExit, 3), (report.Outcome, report.Steps[0].ExitCode));
    }

    private static void AssertExpected(string answers)
    {
        var given = answers.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var expected = Expected();
        Assert.Equal(expected.Select(line => line.Split(' ')[0]), given.Select(line => line.Split(' ')[0]));
        var wrong = expected.Zip(given).Where(pair => pair.First.EndsWith('*') ? pair.Second.EndsWith(" 1", StringComparison.Ordinal) : pair.First != pair.Second);
        Assert.Equal([], wrong.Select(pair => $"{pair.Second} in place of {pair.First}"));
    }

    private static string[] Expected() => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Native", "probe.expected"));

    private static Dictionary<string, int> Parse(string answers) =>
        answers.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToDictionary(words => words[0], words => int.Parse(words[1]));
}
