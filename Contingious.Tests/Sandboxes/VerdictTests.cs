using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>Programs whose fate is known, run in real containers.</summary>
[Trait("Needs", "keeper")]
public sealed class VerdictTests(EngineFixture fixture)
{
    private static readonly Limits small = Limits.Default with
    {
        CpuTime = TimeSpan.FromSeconds(1),
        WallTime = TimeSpan.FromSeconds(3),
        Memory = ByteSize.FromMiB(32),
        Disk = ByteSize.FromMiB(1),
        Inodes = 100,
        Processes = 16,
    };

    /// <summary>So that on a host whose processors are busy elsewhere too, whatever gives out first is not the clock.</summary>
    private static readonly Limits patient = small with { WallTime = TimeSpan.FromSeconds(60) };

    /// <summary>As <see cref="patient"/>, where it is to be memory.</summary>
    private static readonly Limits smallMemory = patient with { CpuTime = TimeSpan.FromSeconds(20) };

    [Fact]
    public async Task The_image_s_own_command_says_hello()
    {
        var report = await fixture.RunAsync([]);
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal("Hello World\n", Text(report.Steps[0].Stdout));
        Assert.Equal(0, report.Steps[0].ExitCode);
        Assert.StartsWith("sha256:", report.ImageDigest);
    }

    [Theory]
    [InlineData("exit 0", Outcome.Ok, 0, null)]
    [InlineData("exit 1", Outcome.NonZeroExit, 1, null)]
    [InlineData("exit 125", Outcome.NonZeroExit, 125, null)]
    [InlineData("kill -11 $$", Outcome.Signalled, null, 11)]
    [InlineData("kill -15 $$; sleep 9", Outcome.Signalled, null, 15)]
    [InlineData("while :; do :; done", Outcome.CpuTimeLimit, null, 9)]
    [InlineData("for i in 1 2 3 4; do while :; do :; done & done; wait", Outcome.CpuTimeLimit, null, 9)]
    [InlineData("trap '' TERM INT; while :; do :; done", Outcome.CpuTimeLimit, null, 9)]
    [InlineData("sleep 60", Outcome.WallTimeLimit, null, 9)]
    [InlineData("exec 1>&- 2>&-; sleep 60", Outcome.WallTimeLimit, null, 9)]
    [InlineData("awk 'BEGIN{s=\"x\"; while(1) s=s s}'", Outcome.MemoryLimit, null, 9)]
    [InlineData("awk 'BEGIN{s=\"x\"; while(1) s=s s}'; exit 0", Outcome.MemoryLimit, 0, null)]
    [InlineData("cat /dev/zero >big", Outcome.DiskLimit, 1, null)]
    [InlineData("i=0; while [ $i -lt 200 ]; do i=$((i+1)); : >f$i || exit 7; done", Outcome.DiskLimit, 1, null)]
    [InlineData("sleep 1000 & exit 0", Outcome.Ok, 0, null)]
    [InlineData("(setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &) ; exit 3", Outcome.NonZeroExit, 3, null)]
    [InlineData("printf '\\377\\376no newline'", Outcome.Ok, 0, null)]
    public async Task A_program_gets_the_verdict_it_earned(string script, Outcome expected, int? exitCode, int? signal)
    {
        var limits = expected switch
        {
            Outcome.MemoryLimit => smallMemory,
            Outcome.WallTimeLimit => small,
            _ => patient,
        };
        var report = await fixture.ShellAsync(script, limits);
        Assert.Equal(expected, report.Outcome);
        var step = Assert.Single(report.Steps);
        Assert.Equal(expected, step.Outcome);

        // Who dies of a limit first, the shell or its child, is not the verdict's matter.
        if (expected is Outcome.MemoryLimit) return;
        Assert.Equal((exitCode, signal), (step.ExitCode, step.Signal));
    }

    [Fact]
    public async Task A_memory_verdict_shows_the_kernel_s_own_count()
    {
        var step = (await fixture.ShellAsync("awk 'BEGIN{s=\"x\"; while(1) s=s s}'", smallMemory)).Steps[0];
        Assert.True(step.Evidence.OomKills >= 1);
        Assert.True(step.Evidence.Flags.HasFlag(EvidenceFlags.OomKilled));
        Assert.InRange(step.Usage.PeakMemory.Bytes, ByteSize.FromMiB(16).Bytes, ByteSize.FromMiB(32).Bytes);
    }

    [Fact]
    public async Task A_fork_bomb_hits_the_process_limit_and_ends_with_its_step()
    {
        var step = (await fixture.ShellAsync("bomb() { bomb | bomb & }; bomb; sleep 60", small)).Steps[0];
        Assert.True(step.Evidence.Flags.HasFlag(EvidenceFlags.ProcessLimitHit));
        Assert.True(step.Evidence.ForksRefused > 0);
        Assert.InRange(step.Usage.PeakProcesses, 1, small.Processes);
        Assert.NotEqual(Outcome.Ok, step.Outcome);
    }

    [Fact]
    public async Task A_flood_of_output_is_cut_counted_and_stopped()
    {
        var limits = small with { CpuTime = TimeSpan.FromSeconds(20), WallTime = TimeSpan.FromSeconds(60), ProducedOutput = ByteSize.FromMiB(8), Stdout = ByteSize.FromKiB(64) };
        var step = (await fixture.ShellAsync("echo first; yes", limits)).Steps[0];
        Assert.Equal(Outcome.OutputLimit, step.Outcome);
        Assert.Equal(ByteSize.FromKiB(64).Bytes, step.Stdout.Length);
        Assert.StartsWith("first\ny\n", Text(step.Stdout));
        Assert.True(step.Usage.StdoutBytes > ByteSize.FromMiB(8).Bytes);
        Assert.True(step.Evidence.Flags.HasFlag(EvidenceFlags.StdoutTruncated));
    }

    [Theory]
    [InlineData("no-such-command", 127)]
    [InlineData("/etc/passwd", 126)]
    [InlineData("/work", 126)]
    public async Task A_command_that_cannot_be_run_is_named(string command, int exitCode)
    {
        var report = await fixture.RunAsync([command]);
        Assert.Equal(Outcome.NonZeroExit, report.Outcome);
        Assert.Equal(exitCode, report.Steps[0].ExitCode);
        Assert.Equal("steps[0].args[0]", report.Field);
        Assert.Contains(command, report.Message);
    }

    [Fact]
    public async Task Measured_times_are_those_of_the_program()
    {
        var sleeper = (await fixture.ShellAsync("sleep 0.5")).Steps[0].Usage;
        Assert.InRange(sleeper.WallTime.TotalSeconds, 0.5, 2);
        Assert.True(sleeper.CpuTime.TotalSeconds < 0.3, $"a sleeper used {sleeper.CpuTime}");
        var spinner = (await fixture.ShellAsync("while :; do :; done", patient)).Steps[0].Usage;
        Assert.InRange(spinner.CpuTime.TotalSeconds, 1.0, 1.5);
    }

    [Fact]
    public async Task Idle_waiting_is_told_from_work_at_the_wall_clock_limit()
    {
        var report = await fixture.ShellAsync("sleep 60", small with { WallTime = TimeSpan.FromSeconds(2) });
        Assert.Equal(Outcome.WallTimeLimit, report.Outcome);
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.Idle));
    }

    [Fact]
    public async Task Cancelling_ends_a_job_at_once()
    {
        var engine = await fixture.EngineAsync();
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(0.5));
        var request = new RunRequest { Id = fixture.NewId(), Image = EngineFixture.ImageName, Steps = [new StepRequest { Args = ["sleep", "60"] }] };
        var report = await engine.RunAsync(request, cancel.Token);
        Assert.Equal(Outcome.Cancelled, report.Outcome);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
