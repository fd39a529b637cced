using Contingious.Agent.Measuring;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;

namespace Contingious.Tests.Measuring;

/// <summary>What is advised follows from what was measured.</summary>
public sealed class AdviceTests
{
    private static readonly Image image = new() { Digest = Digest.Of("image"u8), ReadOnlyMounts = ["/usr"], Config = new ImageConfig(), Source = "", ImportedAt = default, EditableBytes = 90 << 20, EditableFiles = 1234 };

    [Fact]
    public void A_spread_is_of_the_middle_and_of_the_tenths()
    {
        Assert.Equal(new Spread(50, 10, 90, 101), Spread.Of(Enumerable.Range(0, 101).Reverse().Select(i => TimeSpan.FromMilliseconds(i))));
        Assert.Equal(new Spread(7, 7, 7, 1), Spread.Of([TimeSpan.FromMilliseconds(7)]));
    }

    [Fact]
    public void As_few_slots_as_do_as_much()
    {
        Assert.StartsWith("agent.slots: 2 ", Given(rates: [new Rate(1, 40), new Rate(2, 78), new Rate(4, 80)])[0], StringComparison.Ordinal);
        Assert.StartsWith("agent.slots: 4 ", Given(rates: [new Rate(1, 40), new Rate(2, 60), new Rate(4, 80)])[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_pool_that_is_off_or_stays_empty_is_told()
    {
        Assert.Contains("5.0 times as fast", Given()[1], StringComparison.Ordinal);
        Assert.Contains("pool.size is 0", Given(isWarm: false, poolSize: 0)[1], StringComparison.Ordinal);
        Assert.Contains("no sandbox came to be made ahead", Given(isWarm: false)[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_clone_is_worth_a_word_where_jobs_wait_for_it()
    {
        Assert.Equal(["The clone takes 1.0 ms: nothing to gain there."], Given(clones: [Clone(1)]).Skip(2));

        var slow = Given(clones: [Clone(40), Clone(3, DiskBackend.Watched, CopyMethod.Clone), Clone(1, engine: CloneEngine.Overlay)]);
        Assert.Contains("takes 40.0 ms of each job", slow[2], StringComparison.Ordinal);
        Assert.Contains("--clone-engine overlay", slow[3], StringComparison.Ordinal);
        Assert.Contains("shares blocks", slow[4], StringComparison.Ordinal);

        // Neither of them helps where it takes as long, or where the disk's time is one of copying.
        Assert.Equal(3, Given(clones: [Clone(40), Clone(3, DiskBackend.Watched), Clone(30, engine: CloneEngine.Overlay)]).Count);
    }

    [Fact]
    public void A_kernel_that_lets_whoever_joins_a_cgroup_wait_is_told() =>
        Assert.Contains("favordynmods", Given(cold: Path(50, (nameof(Stage.CreateCgroup), 2), (nameof(Stage.Launch), 40)))[2], StringComparison.Ordinal);

    /// <param name="isWarm">Whether any job was.</param>
    private static IReadOnlyList<string> Given(bool isWarm = true, int poolSize = 4, PathTimes? cold = null, IReadOnlyList<Rate>? rates = null, params CloneTimes[] clones) =>
        Advice.Of(image, EngineOptions.Default with { Pool = new PoolOptions { Most = poolSize } }, cold ?? Path(10), isWarm ? Path(2) : null, rates ?? [new Rate(1, 40)], clones);

    private static PathTimes Path(double start, params (string Stage, double Time)[] stages) =>
        new(Of(start), Of(start + 1), Of(start + 5), [.. stages.Select(stage => new StageTimes(stage.Stage, Of(stage.Time)))]);

    private static CloneTimes Clone(double time, DiskBackend disk = DiskBackend.Tmpfs, CopyMethod? method = CopyMethod.ReadWrite, CloneEngine engine = CloneEngine.Split) => new(engine, disk, method, Of(time));

    private static Spread Of(double time) => new(time, time, time, 30);
}
