using System.Text;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Tests.Hostile;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>The container's first process (Native/init.c): what it starts, and what it says of it.</summary>
[Trait("Needs", "keeper")]
public sealed class ContainerInitTests(EngineFixture fixture)
{
    [Theory]
    [InlineData("exit 137", 137, null)]
    [InlineData("exit 139", 139, null)]
    [InlineData("exit 255", 255, null)]
    [InlineData("kill -9 $$", null, 9)]
    [InlineData("kill -11 $$", null, 11)]
    [InlineData("kill -34 $$", null, 34)]
    public async Task An_exit_code_and_a_signal_are_told_apart(string script, int? exitCode, int? signal)
    {
        var step = (await fixture.ShellAsync(script)).Steps[0];
        Assert.Equal((exitCode, signal), (step.ExitCode, step.Signal));
        Assert.False(step.Evidence.Flags.HasFlag(EvidenceFlags.Ambiguous));
    }

    [Fact]
    public async Task Arguments_and_environment_arrive_byte_for_byte()
    {
        string[] args = ["plain", "", " a b ", "quo\"te'", "new\nline", "tab\t\\back", "ünï", "$HOME `id`", "-n"];
        var report = await fixture.RunAsync(
            ["sh", "-c", "for a; do printf '%s\\0' \"$a\"; done; printf '%s\\0' \"$ODD\"", "sh", .. args],
            step => step with { Env = new Dictionary<string, string> { ["ODD"] = "a=b\n'\"" } });
        Assert.Equal([.. args, "a=b\n'\"", ""], Encoding.UTF8.GetString(report.Steps[0].Stdout.Span).Split('\0'));
    }

    [Fact]
    public async Task A_command_begins_with_nothing_of_ours()
    {
        var report = await fixture.ShellAsync("ls -l /proc/self/fd | grep -c '[0-9] ->'; grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|SigBlk|SigIgn)' /proc/self/status; env | cut -d= -f1 | sort | tr '\\n' ' '; umask");
        var lines = Encoding.UTF8.GetString(report.Steps[0].Stdout.Span).Split('\n');

        Assert.Equal("3", lines[0]);
        Assert.Equal(
            ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"], lines[1..7]);
        Assert.Equal("CONTINGIOUS HOME LANG PATH PWD SHLVL 0022", lines[7].Replace("_ ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Neither_a_student_nor_the_container_s_root_can_touch_it()
    {
        const string attempts = "kill -9 1; kill -STOP 1; kill -TERM 1; cat /proc/1/environ /proc/1/maps /proc/1/mem; echo x >/proc/1/fd/4; readlink /proc/1/exe; cat /proc/1/root/etc/passwd; ls /.contingious/agent; echo alive";
        foreach (var root in new[] { false, true })
        {
            var report = await fixture.RunAsync(["sh", "-c", attempts], job: job => job with { Root = root });
            Assert.Equal(Outcome.Ok, report.Outcome);
            Assert.Equal("alive\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        }
    }

    [Fact]
    public async Task Where_it_cannot_say_how_the_command_ended_the_result_is_ambiguous_and_no_success()
    {
        var id = fixture.NewId();
        var running = fixture.RunAsync(["sleep", "60"], job: job => job with { Id = id });
        await Submission.ExecAsync(id, "true");
        var init = (await fixture.EngineAsync()).List().Single(sandbox => sandbox.Name == id.Value).Pid!.Value;
        ProcessIdentity.Of(init)!.Value.Signal(ProcessIdentity.SigKill);
        var report = await running;
        Assert.Equal((Outcome.Signalled, 9), (report.Outcome, report.Steps[0].Signal!.Value));
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.Ambiguous));
    }

    [Fact]
    public async Task Orphans_are_reaped_while_the_command_lives()
    {
        var report = await fixture.ShellAsync(
            "for i in $(seq 200); do (true &) ; done; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l", Limits.Default with { Processes = 16 });
        Assert.Equal("0\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
    }

    [Theory]
    [InlineData("/nowhere/else", "", 127, "there is no such command")]
    [InlineData("./script", "#!/no/such/interpreter\n", 127, "its interpreter")]
    [InlineData("./script", "echo no first line\n", 126, "no #! line")]
    [InlineData("./script", "#!/bin/sh\r\nexit 0\n", 127, "its interpreter")]
    public async Task Why_a_command_cannot_be_run_is_said(string command, string script, int exitCode, string says)
    {
        var report = await fixture.RunAsync([command], step => step with { Files = [new InputFile("script", Encoding.UTF8.GetBytes(script), Executable: true)] });
        Assert.Equal((Outcome.NonZeroExit, exitCode, "steps[0].args[0]"), (report.Outcome, report.Steps[0].ExitCode!.Value, report.Field));
        Assert.Contains(says, report.Message, StringComparison.Ordinal);
        Assert.Equal(default, report.Steps[0].Usage.WallTime);
    }

    [Fact]
    public async Task A_working_directory_that_cannot_be_entered_is_said_to_be_so()
    {
        var close = new StepRequest { Name = "close", Args = ["mkdir", "-m", "0", "/tmp/closed"] };
        var enter = new StepRequest { Name = "enter", Args = ["true"], WorkingDirectory = "/tmp/closed" };
        var report = await fixture.RunAsync([], job: job => job with { Steps = [close, enter] });
        Assert.Equal((Outcome.NonZeroExit, "steps[1].cwd"), (report.Outcome, report.Field));
    }

    [Fact]
    public async Task The_runtime_s_own_start_is_not_the_program_s()
    {
        var usage = (await fixture.RunAsync(["true"])).Steps[0].Usage;
        Assert.True(usage.CpuTime < TimeSpan.FromMilliseconds(8), $"'true' used {usage.CpuTime.TotalMilliseconds} ms of CPU time");
        Assert.True(usage.PeakMemory < ByteSize.FromMiB(1), $"'true' used {usage.PeakMemory}");
        Assert.Equal(1, usage.PeakProcesses);
    }

    [Fact]
    public void A_command_is_written_as_the_init_reads_it()
    {
        var order = new InitOrder { Uid = 1, Gid = 2, Capabilities = 3, Limits = [(7, 1024)], WorkingDirectory = "/w", Args = ["a"], Env = ["N=V"] };
        var bytes = ContainerInit.Encode(order);
        Assert.Equal(40 + 16 + 3 + 2 + 4, bytes.Length);
        Assert.Equal("/w\0a\0N=V\0", Encoding.UTF8.GetString(bytes.AsSpan(56)));
        Assert.Equal([1, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], bytes[..40]);
    }
}
