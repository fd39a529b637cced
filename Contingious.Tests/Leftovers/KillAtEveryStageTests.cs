using System.Diagnostics;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Leftovers;

/// <summary>
/// An agent is killed with SIGKILL in every stage of jobs of every kind, beside a sandbox of the same account that lives
/// on: what the jobs ran is dead at once, and the next engine sweeps exactly what was left.
/// </summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class KillAtEveryStageTests(EngineFixture fixture)
{
    private static readonly Random random = new(Environment.ProcessId);

    /// <summary>All stages, and those of a step for the second one too.</summary>
    public static TheoryData<Stage, int> Moments =>
    [
        .. Enum.GetValues<Stage>().Select(stage => (stage, 1)),
        .. Enum.GetValues<Stage>().Where(stage => stage is Stage.CloneRootfs or (>= Stage.CopyIn and <= Stage.Account)).Select(stage => (stage, 2)),
    ];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task R8_An_agent_killed_right_before_a_stage_leaves_nothing_that_runs_and_nothing_after_the_sweep(Stage stage, int occurrence) =>
        await KillAndSweepAsync(new Trap(stage, occurrence, TimeSpan.Zero), leaves: stage > Stage.LeaseImage);

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task R8_An_agent_killed_within_a_stage_leaves_nothing_that_runs_and_nothing_after_the_sweep(Stage stage, int occurrence)
    {
        // Short delays are as likely as long ones: 0.1 to 50 ms.
        for (var i = 0; i < (Soak.IsAsked ? 5 : 1); i++) await KillAndSweepAsync(new Trap(stage, occurrence, TimeSpan.FromMilliseconds(0.1 * Math.Pow(500, random.NextDouble()))), leaves: false);
    }

    [Fact]
    public async Task R8_An_agent_killed_at_any_moment_leaves_nothing_that_runs_and_nothing_after_the_sweep()
    {
        for (var i = 0; i < (Soak.IsAsked ? 200 : 10); i++) await KillAndSweepAsync(new Trap(Stage.LeaseImage, 1, TimeSpan.FromSeconds(random.NextDouble())), leaves: false);
    }

    private async Task KillAndSweepAsync(Trap trap, bool leaves)
    {
        await fixture.ImportOtherImageAsync();
        Prerequisite.Require(Engine.Programs.ProgramRunner.Find("slirp4netns") is not null && File.Exists("/dev/net/tun"), "slirp4netns and /dev/net/tun");
        await Victim.PrepareAsync(fixture.Layout);
        await fixture.SweepAsync();
        var alone = HostFootprint.Take(fixture.Layout);
        await using (var neighbour = await Neighbour.StartAsync(fixture))
        {
            var before = HostFootprint.Take(fixture.Layout);
            Assert.NotEqual(alone, before);
            var survived = await Victim.DieAsync(trap);
            Assert.True(survived is null, $"{trap.Text}: not killed. {survived}");

            // Nobody sweeps yet: whatever ran dies because nobody holds its init's socket any more.
            var running = await SettledAsync(before.Where(IsRunning).ToList());
            Assert.True(running is null, $"{trap.Text}: still running seconds later: {running}");
            if (leaves) Assert.NotEqual(before, HostFootprint.Take(fixture.Layout));

            await fixture.SweepAsync();
            var left = HostFootprint.Take(fixture.Layout);
            Assert.True(before.SequenceEqual(left), $"{trap.Text}: left behind: {string.Join(", ", left.Except(before))}; missing: {string.Join(", ", before.Except(left))}");
            Assert.Equal(Outcome.Cancelled, await neighbour.EndAsync());
        }

        Assert.Equal(alone, HostFootprint.Take(fixture.Layout));
    }

    private static bool IsRunning(string line) => line.StartsWith("process ", StringComparison.Ordinal) || line.StartsWith("running ", StringComparison.Ordinal);

    private async Task<string?> SettledAsync(List<string> expected)
    {
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            var now = HostFootprint.Take(fixture.Layout).Where(IsRunning).ToList();
            if (now.SequenceEqual(expected)) return null;
            if (Stopwatch.GetElapsedTime(begun) > TimeSpan.FromSeconds(5)) return $"{string.Join(", ", now)} instead of {string.Join(", ", expected)}";
            await Task.Delay(20);
        }
    }
}
