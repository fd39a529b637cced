using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Hostile;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>What the steps of a job share, and what each has for itself.</summary>
[Trait("Needs", "keeper")]
public sealed class JobStepsTests(EngineFixture fixture)
{
    [Fact]
    public async Task All_steps_share_the_job_s_cpu_time()
    {
        var job = Limits.Default with { CpuTime = TimeSpan.FromSeconds(1), WallTime = TimeSpan.FromSeconds(60) };
        var report = await RunAsync(job, Spin("a", 0.6), Spin("b", 0.6), Shell("c", "true"));
        Assert.Equal([Outcome.Ok, Outcome.CpuTimeLimit], report.Steps.Select(step => step.Outcome));
        Assert.InRange(report.Steps[0].Usage.CpuTime.TotalSeconds, 0.58, 0.75);
        Assert.InRange(report.Steps[1].Usage.CpuTime.TotalSeconds, 0.2, 0.55);
        Assert.True(report.Steps[1].Evidence.Flags.HasFlag(EvidenceFlags.JobBudget));
        Assert.Contains("all steps of the job share", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_steps_share_the_job_s_wall_time()
    {
        var job = Limits.Default with { WallTime = TimeSpan.FromSeconds(4) };
        var report = await RunAsync(job, Shell("a", "sleep 2"), Shell("b", "sleep 60"));
        Assert.Equal([Outcome.Ok, Outcome.WallTimeLimit], report.Steps.Select(step => step.Outcome));
        Assert.True(report.Steps[1].Usage.WallTime < TimeSpan.FromSeconds(3), $"step b was stopped after {report.Steps[1].Usage.WallTime}");
    }

    [Fact]
    public async Task All_steps_share_the_job_s_output()
    {
        var job = Limits.Default with { ProducedOutput = ByteSize.FromKiB(100) };
        var report = await RunAsync(job, Shell("a", "head -c 80000 /dev/zero"), Shell("b", "head -c 80000 /dev/zero; sleep 20"));
        Assert.Equal([Outcome.Ok, Outcome.OutputLimit], report.Steps.Select(step => step.Outcome));
    }

    [Fact]
    public async Task Files_that_an_earlier_step_left_count_in_the_job_s_memory_and_are_said_to()
    {
        var job = Limits.Default with { Memory = ByteSize.FromMiB(64), Disk = ByteSize.FromMiB(60) };
        var report = await RunAsync(job, Shell("fill", "head -c 50000000 /dev/zero >/io/f"), Shell("allocate", "awk 'BEGIN{x=\"0123456789abcdef\"; while(length(x)<30000000) x=x x; print length(x)}'"));
        Assert.Equal([Outcome.Ok, Outcome.MemoryLimit], report.Steps.Select(step => step.Outcome));
        Assert.InRange(report.Steps[1].Evidence.MemoryInFilesBytes, 49_000_000, 53_000_000);
        Assert.Contains("files on the sandbox's disk", report.Message, StringComparison.Ordinal);
        Assert.InRange(report.Steps[0].Usage.DiskWritten.Bytes, 50_000_000, 51_000_000);
        Assert.Equal(DiskBackend.Tmpfs, report.Steps[0].Evidence.DiskBackend);
    }

    [Fact]
    public async Task Whoever_runs_further_commands_shares_the_job_s_limits_and_is_no_part_of_the_step_s_account()
    {
        var id = fixture.NewId();
        var limits = Limits.Default with { CpuTime = TimeSpan.FromSeconds(1) };
        var running = fixture.RunAsync(["sleep", "60"], step => step with { Limits = limits }, job => job with { Id = id });
        var session = await Submission.ExecAsync(id, "sh", "-c", "while :; do :; done");
        var report = await running;
        Assert.Equal((Outcome.CpuTimeLimit, 137), (report.Outcome, session.ExitCode));
        Assert.True(report.Steps[0].Usage.CpuTime < TimeSpan.FromSeconds(0.1), $"the sleeping step used {report.Steps[0].Usage.CpuTime}");
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.Attended | EvidenceFlags.JobBudget));
    }

    [Fact]
    public async Task A_step_s_own_lower_limit_holds_for_it_alone()
    {
        var low = Limits.Default with { CpuTime = TimeSpan.FromSeconds(0.3), Processes = 3 };
        var report = await RunAsync(Limits.Default, Spin("a", 9) with { Limits = low, When = StepCondition.OnSuccess }, Shell("b", "sleep 0.1 & sleep 0.1 & sleep 0.1 & wait") with { When = StepCondition.Always });
        Assert.Equal([Outcome.CpuTimeLimit, Outcome.Ok], report.Steps.Select(step => step.Outcome));
        Assert.False(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.JobBudget));
        Assert.Equal(Outcome.CpuTimeLimit, report.Outcome);
    }

    [Fact]
    public async Task Steps_run_when_they_ask_to()
    {
        var report = await RunAsync(
            Limits.Default,
            Shell("input", "echo in >/io/in"), Shell("main", "cat /io/in; exit 4"), Shell("more", "true"),
            Shell("explain", "echo why") with { When = StepCondition.OnFailure }, Shell("output", "echo out") with { When = StepCondition.Always });
        Assert.Equal(["input", "main", "explain", "output"], report.Steps.Select(step => step.Name));
        Assert.Equal((Outcome.NonZeroExit, "Exited with 4."), (report.Outcome, report.Message));
        var well = await RunAsync(Limits.Default, Shell("main", "true"), Shell("explain", "true") with { When = StepCondition.OnFailure }, Shell("output", "true") with { When = StepCondition.Always });
        Assert.Equal(["main", "output"], well.Steps.Select(step => step.Name));
        Assert.Equal(Outcome.Ok, well.Outcome);
    }

    [Fact]
    public async Task A_fresh_step_sees_nothing_of_the_others_but_what_they_share()
    {
        var report = await RunAsync(
            Limits.Default,
            Shell("plant", "echo x >/work/left; echo x >/tmp/left; echo x >/dev/shm/left; mkdir -p /io/d; echo shared >/io/d/f"),
            Shell("test", "ls -A /work /tmp /dev/shm; cat /io/d/f; echo fresh >/work/own") with { Fresh = true },
            Shell("back", "ls -A /work /dev/shm"));
        Assert.Equal(["", "/dev/shm:\n\n/tmp:\n\n/work:\nshared\n", "/dev/shm:\n\n/work:\nleft\n"], report.Steps.Select(Text));
    }

    [Fact]
    public async Task A_fresh_clone_takes_what_was_written_to_it_off_the_disk_when_the_next_step_s_turn_comes()
    {
        var report = await RunAsync(
            Limits.Default with { Disk = ByteSize.FromMiB(2) },
            Shell("a", "true"),
            Shell("b", "head -c 1500000 /dev/zero >/work/big") with { Fresh = true },
            Shell("c", "head -c 1500000 /dev/zero >/work/big"));
        Assert.Equal([Outcome.Ok, Outcome.Ok, Outcome.Ok], report.Steps.Select(step => step.Outcome));
        Assert.InRange(report.Steps[2].Evidence.DiskUsedBytes, 1_500_000, 1_600_000);
    }

    [Fact]
    public async Task Nothing_that_a_step_started_is_alive_in_the_next()
    {
        var report = await RunAsync(
            Limits.Default,
            Shell("a", "(setsid sh -c 'trap \"\" TERM HUP; while :; do date +%s%N >/io/alive; done' >/dev/null 2>&1 &); until [ -s /io/alive ]; do sleep 0.05; done"),
            Shell("b", "cat /io/alive >/io/before; sleep 0.2; cmp /io/alive /io/before"));
        Assert.Equal([Outcome.Ok, Outcome.Ok], report.Steps.Select(step => step.Outcome));
    }

    [Fact]
    public async Task Files_go_into_the_shared_directory_and_come_out_of_it()
    {
        var engine = await fixture.EngineAsync();
        var report = await engine.RunAsync(
            new RunRequest
            {
                Id = fixture.NewId(),
                Image = EngineFixture.ImageName,
                Files = [new InputFile("/io/sub/given", "given"u8.ToArray()), new InputFile("here", "h"u8.ToArray())],
                Steps = [Shell("a", "cat /io/sub/given; cp /io/sub/given /io/out"), Shell("b", "cat /io/out; ls") with { Fresh = true, WorkingDirectory = "/io" }],
                Outputs = ["out", "/io/sub/*", "/work/here"],
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(["given", "givenout\nsub\n"], report.Steps.Select(Text));
        Assert.Equal(
            [("/io/out", OutputStatus.Returned), ("/io/sub/given", OutputStatus.Returned), ("/work/here", OutputStatus.Missing)],
            report.Outputs.Select(output => (output.Path, output.Status)));
    }

    [Fact]
    public async Task Steps_of_other_images_run_in_their_own_rootfs_over_one_disk()
    {
        await fixture.ImportOtherImageAsync();
        var report = await RunAsync(
            Limits.Default with { Disk = ByteSize.FromMiB(2) },
            Shell("a", "echo a >/work/a; head -c 1500000 /dev/zero >/io/big"),
            Shell("b", "ls -A /work; head -c 1500000 /dev/zero >/tmp/big") with { Image = EngineFixture.OtherImage });
        Assert.Equal([Outcome.Ok, Outcome.DiskLimit], report.Steps.Select(step => step.Outcome));
        Assert.DoesNotContain("a\n", Text(report.Steps[1]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_s_image_that_is_not_there_is_named_before_anything_runs()
    {
        var report = await RunAsync(Limits.Default, Shell("a", "true"), Shell("b", "true") with { Image = "no-such-image" });
        Assert.Equal((Outcome.ImageUnavailable, "steps[1].image", 0), (report.Outcome, report.Field, report.Steps.Count));
    }

    [Fact]
    public async Task A_job_without_root_in_it_cannot_have_a_step_as_root()
    {
        var report = await RunAsync(Limits.Default, Shell("a", "id -u") with { User = "0" });
        Assert.Equal((Outcome.RejectedSpec, "steps[0].user"), (report.Outcome, report.Field));
        var asked = await fixture.RunAsync(["sh", "-c", "id -u; grep CapEff /proc/self/status; chown 7:7 /tmp"], job: job => job with { Root = true });
        Assert.Equal("0\nCapEff:\t00000000000004fb\n", Text(asked.Steps[0]));
        Assert.Equal(Outcome.Ok, asked.Outcome);
    }

    private static StepRequest Shell(string name, string script) => new() { Name = name, Args = ["sh", "-c", script] };

    private static StepRequest Spin(string name, double seconds) =>
        Shell(name, $"awk 'BEGIN {{ while ((getline line < \"/proc/self/stat\") > 0) {{ split(line, f, \" \"); t = f[14] + f[15]; close(\"/proc/self/stat\"); if (t >= {seconds * 100}) exit }} }}'");

    private Task<RunReport> RunAsync(Limits limits, params StepRequest[] steps) => fixture.RunAsync([], job: job => job with
    {
        Limits = limits,
        Steps = [.. steps.Select(step => step.Limits == Limits.Default ? step with { Limits = limits } : step)],
    });

    private static string Text(StepReport step) => Encoding.UTF8.GetString(step.Stdout.Span);
}
