using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Compares all of the account's footprint, so nothing else of it may be live meanwhile.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class CloneRemovalTests(EngineFixture fixture)
{
    [Fact]
    public async Task A12_A_clone_that_is_made_hard_to_remove_is_removed_and_nothing_else()
    {
        using var sentinel = new Sentinel();
        _ = await fixture.EngineAsync();
        var before = HostFootprint.Take(fixture.Layout);
        var report = await fixture.ShellAsync($"ln -s {sentinel.Directory} x; ln -s / y; mkdir shut; touch shut/f; chmod 0 shut; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i + 1)); done");
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
        sentinel.AssertUntouched(report);
    }
}
