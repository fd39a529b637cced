using System.Diagnostics;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Processes that reach for others, that will not die, and that are too many.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ProcessTests(EngineFixture engine, NativePrograms native)
{
    private static readonly Limits brief = Limits.Default with { WallTime = TimeSpan.FromSeconds(3), CpuTime = TimeSpan.FromSeconds(2) };

    [Fact]
    public async Task C1_No_process_of_another_sandbox_or_of_the_keeper_can_be_reached()
    {
        var reach = await native.FileAsync("reach");
        var neighbour = engine.ShellAsync("sleep 2");
        var report = await engine.RunNativeAsync(reach, "sleep 1000 & exec ./reach");
        // The container's init and the sleep: nothing else is there, and not even those give access.
        Assert.Equal("there 2 listed 2 traced 0 read 0 taken 0\n", report.RequireOk());
        (await neighbour).RequireOk();
    }

    [Theory]
    [InlineData("setsid sh -c 'trap \"\" HUP TERM INT; sleep 1000' >/dev/null 2>&1 &")]
    [InlineData("(setsid sh -c '(trap \"\" TERM; while :; do sleep 1000; done) &' &) ; sleep 0.1")]
    [InlineData("sleep 1000 & sleep 1000 & kill -STOP %1; kill -STOP %2")]
    [InlineData("kill -9 1; kill -STOP 1; kill -TERM -1; trap '' TERM; sleep 1000 &")]
    [InlineData("sh -c 'exec >/dev/null 2>&1 </dev/null; trap \"\" TERM; sleep 1000' &")]
    public async Task C11_C14_Whatever_a_program_leaves_running_is_dead_when_the_job_ends(string script)
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var clock = Stopwatch.StartNew();
        await engine.ShellAsync(script, brief);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
        Assert.Equal([], await ProcessesOfSandboxesAsync());
    }

    [Fact]
    public async Task C11_A_program_that_signals_everybody_hits_only_its_own()
    {
        var neighbour = engine.ShellAsync("sleep 2; echo alive");
        var report = await engine.ShellAsync("trap '' TERM HUP INT; sleep 1000 & kill -KILL -1; kill -KILL 1; echo still here");
        Assert.Equal("still here\n", report.RequireOk());
        Assert.Equal("alive\n", (await neighbour).RequireOk());
    }

    [Fact]
    public async Task C12_Children_that_nobody_waits_for_fill_their_own_limit_and_nothing_else()
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var report = await engine.RunNativeAsync(await native.FileAsync("zombies"), "exec ./zombies", Limits.Default with { Processes = 32 });
        Assert.InRange(int.Parse(report.RequireOk()), 20, 32);
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.ProcessLimitHit));
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
    }

    [Fact]
    public async Task C13_A_fork_bomb_is_bounded_and_stopped_while_a_neighbour_works_on()
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var bomb = engine.RunNativeAsync(await native.FileAsync("bomb"), "exec ./bomb", brief);
        var neighbour = await engine.ShellAsync("echo here");
        Assert.Equal("here\n", neighbour.RequireOk());
        var clock = Stopwatch.StartNew();
        var report = await bomb;
        Assert.Contains(report.Outcome, new[] { Outcome.CpuTimeLimit, Outcome.WallTimeLimit });
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.ProcessLimitHit));
        Assert.InRange(report.Steps[0].Usage.PeakProcesses, 2, Limits.Default.Processes);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, brief.WallTime + TimeSpan.FromSeconds(2));
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
    }

    [Fact]
    public async Task C15_A_crash_leaves_no_core_file()
    {
        var report = await engine.RunAsync(["sh", "-c", "ulimit -c unlimited 2>/dev/null; ulimit -c; kill -ABRT $$"], job: request => request with { Outputs = ["*core*", "/*core*", "/tmp/*core*"] });
        Assert.Equal((Outcome.Signalled, 6), (report.Outcome, report.Steps[0].Signal));
        Assert.Equal("0\n", report.Stdout());
        Assert.All(report.Outputs, output => Assert.Equal(OutputStatus.Missing, output.Status));
    }

    private static async Task<List<string>> ProcessesOfSandboxesAsync()
    {
        for (var i = 0; ; i++)
        {
            var alive = SandboxProcesses.Alive();
            if (alive.Count == 0 || i == 30) return alive;
            await Task.Delay(100);
        }
    }
}
