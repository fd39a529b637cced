using Contingious.Agent.Work;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Work;

public sealed class KeeperWatchTests
{
    [Fact]
    public void A_keeper_that_is_gone_is_noticed_and_one_that_could_not_be_seen_once_is_not_gone() => FakeWorld.Run(0, world =>
    {
        var isOwn = true;
        var gone = new KeeperWatch(() => isOwn, world.Time).WhenGoneAsync(default);
        world.Time.Advance(TimeSpan.FromMinutes(1));
        isOwn = false;
        world.Time.Advance(KeeperWatch.Interval);
        isOwn = true;
        world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(gone.IsCompleted);
        isOwn = false;
        world.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(gone.IsCompletedSuccessfully);
        Assert.True(gone.GetAwaiter().GetResult());
    });

    [Fact]
    public void It_ends_when_it_is_told_to() => FakeWorld.Run(0, world =>
    {
        using var ends = new CancellationTokenSource();
        var gone = new KeeperWatch(() => true, world.Time).WhenGoneAsync(ends.Token);
        ends.Cancel();
        Assert.True(gone.IsCompletedSuccessfully);
        Assert.False(gone.GetAwaiter().GetResult());
    });
}
