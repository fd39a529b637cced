using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Two jobs at once that try to pass each other a bit. docs/security-channels.md is the table of what these tests found.</summary>
[Trait("Needs", "keeper")]
public sealed class ChannelTests(EngineFixture engine, NativePrograms native)
{
    // In every image of the tests it is in the read-only part, of which there is one on the host.
    private const string SharedFile = "/bin/busybox";

    [Fact]
    public async Task C9_Two_jobs_at_once_find_nothing_of_each_other()
    {
        var meet = await native.FileAsync("meet");
        var waiting = engine.RunNativeAsync(meet, "./meet wait 4");
        var finding = engine.RunNativeAsync(meet, "./meet find 2.5");
        Assert.Equal("looked\n", (await finding).RequireOk());
        (await waiting).RequireOk();
    }

    [Fact]
    public async Task C9_Within_one_sandbox_the_same_two_do_find_each_other()
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("meet"), "./meet wait 3 & ./meet find 1");
        report.RequireOk();
        Assert.Equal(
            ["found: /dev/shm", "found: /tmp", "found: abstract socket", "found: loopback port", "found: message queue", "found: semaphore", "found: shared memory", "looked"],
            report.Lines().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task C9_Of_the_ways_through_a_shared_read_only_file_only_the_documented_ones_are_open()
    {
        var (held, seen) = await HoldAndLookAsync();
        Assert.Contains("write lock: Bad file descriptor", held);
        Assert.Contains("lease: Permission denied", held);
        Assert.Equal(
            [
                "dnotify: Operation not permitted", "inotify for reads: Operation not permitted", "looked", "preadv2: Function not implemented",

                // An overlay's inodes are each sandbox's own, and so are the locks on them.
                .. TestedEngine.IsSplit ? new[] { "seen: flock", "seen: ofd lock", "seen: posix lock" } : [],
            ],
            seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task C18_A_neighbour_s_files_cannot_be_watched_being_opened()
    {
        var (_, seen) = await HoldAndLookAsync();
        Assert.DoesNotContain("seen: inotify", seen);
        Assert.DoesNotContain("seen: dnotify", seen);
        Assert.Contains("looked", seen);
    }

    [Fact]
    public async Task C18_A_neighbour_that_opens_pipes_without_end_leaves_ours_their_size()
    {
        var greedy = await native.FileAsync("greedy");
        var taking = engine.RunNativeAsync(greedy, "./greedy take 4", Limits.Default with { Memory = ByteSize.FromMiB(512) });
        var asking = engine.RunNativeAsync(greedy, "./greedy ask 2");
        Assert.StartsWith("pipe 65536\nlarger pipe 1048576\n", (await asking).RequireOk());
        Assert.Contains("size of the last pipe: 8192", (await taking).RequireOk()); // it did use up its own share
    }

    [Fact]
    public async Task C18_A_neighbour_that_takes_all_inotify_instances_leaves_us_some()
    {
        var greedy = await native.FileAsync("greedy");
        var taking = engine.RunNativeAsync(greedy, "./greedy take 4", Limits.Default with { Memory = ByteSize.FromMiB(512) });
        var asking = engine.RunNativeAsync(greedy, "./greedy ask 2");
        Assert.EndsWith("inotify ok\n", (await asking).RequireOk());
        (await taking).RequireOk();
    }

    [Fact]
    public async Task C7_A_key_can_neither_be_made_nor_seen()
    {
        var meet = await native.FileAsync("meet");
        (await engine.RunNativeAsync(meet, "./meet wait 0")).RequireOk();
        var report = await engine.RunNativeAsync(meet, "./meet find 0; cat /proc/keys /proc/key-users");
        Assert.Equal("looked\n", report.RequireOk());
        Assert.DoesNotContain("ctg-meet", await File.ReadAllTextAsync("/proc/keys", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task C8_Sandboxes_use_up_none_of_the_account_s_own_keys()
    {
        await engine.ShellAsync("true");
        var before = OwnKeys();
        for (var i = 0; i < 8; i++) Assert.Equal(Outcome.Ok, (await engine.ShellAsync("true")).Outcome);
        Assert.InRange(OwnKeys(), 0, before + 2);
    }

    private async Task<(string[] Held, string[] Seen)> HoldAndLookAsync()
    {
        var channels = await native.FileAsync("channels");
        var holding = engine.RunNativeAsync(channels, $"./channels hold {SharedFile} 3.5");
        var looking = engine.RunNativeAsync(channels, $"./channels look {SharedFile} 2.5");
        var seen = await looking;
        seen.RequireOk();
        var held = await holding;
        held.RequireOk();
        return (held.Lines(), seen.Lines());
    }

    // proc(5), /proc/key-users: "uid: usage nkeys/nikeys qnkeys/maxkeys qnbytes/maxbytes", numbered as we see it.
    private static int OwnKeys() =>
        int.Parse(File.ReadLines("/proc/key-users").Select(line => line.Split([' ', ':', '/'], StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(words => words[0] == "0")?[4] ?? "0");
}
