using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Hostile;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>Slices of the subordinate ids, as the sandboxes of one account share them out.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class SliceTests(EngineFixture fixture, NativePrograms native)
{
    [Fact]
    public async Task K3_With_a_uid_in_common_one_program_takes_the_pipes_of_another()
    {
        // What ChannelTests.C18 shows not to happen between two sandboxes does happen within one.
        var report = await fixture.RunNativeAsync(await native.FileAsync("greedy"), "./greedy take 4 >/dev/null & ./greedy ask 2", Limits.Default with { Memory = ByteSize.FromMiB(512) });
        var lines = report.RequireOk().Split('\n');
        Assert.Equal("pipe 8192", lines[0]);
        Assert.StartsWith("larger pipe -1", lines[1]);
    }

    [Fact]
    public async Task K3_No_two_live_sandboxes_have_a_uid_in_common()
    {
        var jobs = Enumerable.Range(0, 4).Select(_ => fixture.ShellAsync("sleep 2")).ToList();
        var uids = new List<string>();
        for (var i = 0; i < 100 && uids.Count < jobs.Count; i++)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
            uids = [.. SandboxProcesses.Alive().Where(name => name.StartsWith("sleep ", StringComparison.Ordinal)).Select(name => UidOf(name.Split(' ')[1]))];
        }

        Assert.Equal(jobs.Count, uids.Count);
        Assert.Equal(jobs.Count, uids.Distinct().Count());
        Assert.All(await Task.WhenAll(jobs), report => Assert.Equal(Outcome.Ok, report.Outcome));
    }

    [Fact]
    public async Task K4_When_every_slice_is_in_use_the_next_job_is_told_so_and_has_made_nothing()
    {
        await fixture.EngineAsync();
        var all = IdSlice.FirstIds(IdMap.OwnUids(), IdMap.OwnGids()).Select(_ => IdSlice.Lease(fixture.Layout)).ToList();
        var before = HostFootprint.Take(fixture.Layout);
        try
        {
            var error = await Assert.ThrowsAsync<CapacityException>(() => fixture.ShellAsync("true"));
            Assert.Contains(all.Count.ToString(CultureInfo.InvariantCulture), error.Message);
            Assert.Equal(before, HostFootprint.Take(fixture.Layout));
        }
        finally
        {
            foreach (var slice in all) slice.Dispose();
        }

        Assert.Equal(Outcome.Ok, (await fixture.ShellAsync("true")).Outcome);
    }

    private static string UidOf(string pid) => File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
}
