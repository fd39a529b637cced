using Contingious.Agent.Measuring;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Tests.Support;

namespace Contingious.Tests.Measuring;

/// <summary>What <c>contingious bench</c> measures, with real sandboxes; how fast they are is no test's affair.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class BenchTests(EngineFixture fixture)
{
    private static readonly EngineOptions options = EngineOptions.Default with { Pool = new PoolOptions { Most = 2 } };

    [Fact]
    public async Task A_bench_has_each_stage_cold_and_warm_and_the_ways_to_clone()
    {
        await fixture.SweepAsync();
        var before = HostFootprint.Take(fixture.Layout);
        var said = new List<string>();
        var report = await new Bench(fixture.Layout, options, EngineFixture.ImageName, ["true"], 5, said.Add).RunAsync(TestContext.Current.CancellationToken);

        var stages = Enum.GetNames<Stage>();
        Assert.Equal(stages, report.Cold.Stages.Select(stage => stage.Stage));
        Assert.NotNull(report.Warm);
        Assert.Equal(stages, report.Warm.Stages.Select(stage => stage.Stage));
        Assert.Equal((5, 5), (report.Cold.ToStart.Runs, report.Warm.ToStart.Runs));
        Assert.All(new[] { report.Cold, report.Warm }, path => Assert.True(path.ToStart.P50 > 0 && path.ToStart.P50 < path.ToReport.P50 && path.ToReport.P50 < path.Whole.P50));
        Assert.All(report.Rates, rate => Assert.True(rate.JobsPerSecond > 0));
        Assert.Contains(report.Clones, clone => clone is { Engine: CloneEngine.Split, Disk: DiskBackend.Tmpfs });
        Assert.Contains(report.Clones, clone => clone is { Engine: CloneEngine.Split, Disk: DiskBackend.Watched });
        Assert.Contains(report.Advice, sentence => sentence.StartsWith("pool.size: 2.", StringComparison.Ordinal));
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
    }

    [Fact]
    public async Task A_command_that_does_not_end_well_is_told_and_nothing_measured()
    {
        await fixture.SweepAsync();
        var error = await Assert.ThrowsAsync<ContingiousException>(() =>
            new Bench(fixture.Layout, options, EngineFixture.ImageName, ["sh", "-c", "exit 3"], 5, _ => { }).RunAsync(TestContext.Current.CancellationToken));
        Assert.Contains("NonZeroExit", error.Message, StringComparison.Ordinal);
        Assert.Contains("-- /bin/true", error.Message, StringComparison.Ordinal);
    }
}
