using System.Globalization;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Tests.Support;

namespace Contingious.Tests.Leftovers;

/// <summary>What cannot be given back is nobody else's loss, and what an earlier attempt left is not counted for the next.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ReleaseTests(EngineFixture fixture)
{
    private static readonly CgroupLimits Roomy = new(64 << 20, 16, 1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task R8_A_sandbox_that_cannot_be_given_back_hides_no_verdict_and_stops_nobody()
    {
        await fixture.SweepAsync();
        Assert.SkipUnless(CgroupMounts.Read().HasV1, "cgroup v2 kills what is frozen: nothing holds a process there.");
        var home = CgroupHomes.Of(fixture.Layout).OpenOwn();
        var before = HostFootprint.Take(fixture.Layout);
        var request = Hello(fixture.NewId());
        var held = home.Child(request.Id.Value).Child("held");
        using var stays = ProgramRunner.Start(new ProgramRequest("sleep", "1000"));
        try
        {
            var logger = new ListLogger<SandboxEngine>();
            var options = TestedEngine.Options with { Entering = stage => { if (stage == Stage.Release) Hold(held, home.Child(request.Id.Value), stays.Pid); } };
            var obstructed = await SandboxEngine.OpenAsync(fixture.Layout, options, TimeProvider.System, logger);
            var report = await obstructed.RunAsync(request, Cancellation);
            Assert.Equal((Outcome.Ok, "Hello\n"), (report.Outcome, Encoding.UTF8.GetString(report.Steps[0].Stdout.Span)));
            Assert.Contains($"{request.Id} could not be given back", logger.Text, StringComparison.Ordinal);
            Assert.NotEqual(before, HostFootprint.Take(fixture.Layout));

            // Nor does it keep the next agent from opening, or another job from running.
            logger = new ListLogger<SandboxEngine>();
            var next = await SandboxEngine.OpenAsync(fixture.Layout, TestedEngine.Options, TimeProvider.System, logger);
            Assert.Contains($"left of {request.Id} could not be given back", logger.Text, StringComparison.Ordinal);
            Assert.Equal(Outcome.Ok, (await next.RunAsync(Hello(fixture.NewId()), Cancellation)).Outcome);
        }
        finally
        {
            if (held.Exists) File.WriteAllText(FreezerOf(held), "THAWED");
            stays.Kill();
        }

        await fixture.SweepAsync();
        await stays.WaitAsync(Cancellation);
        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
    }

    [Fact]
    public async Task R8_What_an_earlier_attempt_left_is_killed_and_counts_for_no_job_of_its_name()
    {
        var engine = await fixture.EngineAsync();
        var request = Hello(fixture.NewId());
        request = request with { Limits = request.Limits with { CpuTime = TimeSpan.FromSeconds(1) } };
        var left = CgroupHomes.Of(fixture.Layout).OpenOwn().CreateChild(request.Id.Value, Roomy);
        using var burns = ProgramRunner.Start(new ProgramRequest("sh", "-c", "while :; do :; done"));
        try
        {
            Join(left, burns.Pid);
            while (left.ReadCpuTime() < 2 * request.Limits.CpuTime) await Task.Delay(50, Cancellation);

            Assert.Equal(Outcome.Ok, (await engine.RunAsync(request, Cancellation)).Outcome);
            await burns.WaitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
            Assert.Equal(128 + 9, burns.ExitCode);
            Assert.False(left.Exists);
        }
        finally
        {
            burns.Kill();
        }
    }

    private static RunRequest Hello(SandboxId id)
    {
        var step = new StepRequest { Name = "step", Args = ["echo", "Hello"] };
        return new RunRequest { Id = id, Image = EngineFixture.ImageName, Steps = [step], Limits = step.Limits };
    }

    /// <summary>A process in a frozen cgroup does not die of SIGKILL before that is thawed.</summary>
    private static void Hold(Cgroup held, Cgroup job, int pid)
    {
        job.CreateChild(Path.GetFileName(held.Name));
        Join(held, pid);
        File.WriteAllText(FreezerOf(held), "FROZEN");
        SpinWait.SpinUntil(() => File.ReadAllText(FreezerOf(held)).StartsWith("FROZEN", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
    }

    private static string FreezerOf(Cgroup cgroup) => cgroup.JoinFiles.Select(Path.GetDirectoryName).Select(directory => $"{directory}/freezer.state").Single(File.Exists);

    private static void Join(Cgroup cgroup, int pid)
    {
        foreach (var file in cgroup.JoinFiles) File.WriteAllText(file, pid.ToString(CultureInfo.InvariantCulture));
    }
}
