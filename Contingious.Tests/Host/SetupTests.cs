using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Host.SetupActions;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

/// <summary>Setup for real, with the real useradd and usermod, on a directory that looks like a host.</summary>
[Trait("Needs", "root")]
public sealed class SetupTests
{
    public static TheoryData<string, string?> Hosts { get; } = new()
    {
        { nameof(FakeHost.Hybrid), null },
        { nameof(FakeHost.Hybrid), FakeHost.Ordinary },
        { nameof(FakeHost.Systemd), null },
        { nameof(FakeHost.Systemd), FakeHost.Ordinary },
    };

    [Theory]
    [MemberData(nameof(Hosts))]
    public async Task Undo_puts_back_exactly_what_was_there(string kind, string? account)
    {
        RootOnly.Require();
        using var host = Make(kind);
        var before = TreeSnapshot.Of(host.Root.Prefix);

        await ApplyAsync(host, account);
        Assert.NotEqual(before, TreeSnapshot.Of(host.Root.Prefix));
        await UndoAsync(host, account);

        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public async Task Once_done_there_is_nothing_to_do_and_once_undone_nothing_to_undo(string kind, string? account)
    {
        RootOnly.Require();
        using var host = Make(kind);
        await ApplyAsync(host, account);
        var done = TreeSnapshot.Of(host.Root.Prefix);

        // loginctl is not asked on a host that is only a directory.
        Assert.DoesNotContain((await host.SetupAsync(account)).Plan(), action => action is not EnableLinger);
        Assert.DoesNotContain(await ApplyAsync(host, account), line => !line.Contains("linger", StringComparison.Ordinal));
        Assert.Equal(done, TreeSnapshot.Of(host.Root.Prefix));

        Assert.NotEmpty(await UndoAsync(host, account));
        Assert.Empty((await host.SetupAsync(account)).PlanUndo());
        Assert.Empty(await UndoAsync(host, account));
    }

    [Fact]
    public async Task Undo_leaves_what_others_put_into_a_directory_of_root_s()
    {
        RootOnly.Require();
        using var host = FakeHost.Systemd();
        await ApplyAsync(host, FakeHost.Ordinary);
        host.Write("/etc/systemd/system/user@1234.service.d/override.conf", "theirs");
        await UndoAsync(host, FakeHost.Ordinary);
        Assert.Equal("theirs", host.Root.TryRead("/etc/systemd/system/user@1234.service.d/override.conf"));
        Assert.Null(host.Root.TryRead("/etc/systemd/system/user@1234.service.d/contingious.conf"));
    }

    [Fact]
    public async Task What_was_done_for_an_account_that_is_gone_is_undone()
    {
        RootOnly.Require();
        using var host = FakeHost.Systemd();
        var passwd = host.Root.TryRead("/etc/passwd")!;
        await ApplyAsync(host, FakeHost.Ordinary);
        var lines = passwd.Split('\n').Where(line => !line.StartsWith($"{FakeHost.Ordinary}:", StringComparison.Ordinal)).ToList();
        host.Write("/etc/passwd", string.Join('\n', lines));
        foreach (var ids in new[] { "/etc/subuid", "/etc/subgid" }) host.Write(ids, string.Join('\n', (host.Root.TryRead(ids) ?? "").Split('\n').Where(line => !line.StartsWith($"{FakeHost.Ordinary}:", StringComparison.Ordinal))));

        var refused = await Assert.ThrowsAsync<HostNotReadyException>(async () => (await host.SetupAsync(FakeHost.Ordinary)).Plan());
        Assert.Contains("There is no account teacher", refused.Message, StringComparison.Ordinal);
        await UndoAsync(host, FakeHost.Ordinary);
        Assert.Null(host.Root.TryStatus("/var/lib/contingious-teacher"));
        Assert.Null(host.Root.TryStatus("/var/lib/contingious-setup"));
        await Assert.ThrowsAsync<HostNotReadyException>(() => host.SetupAsync(FakeHost.Ordinary));
    }

    [Fact]
    public async Task What_is_done_is_what_the_plan_said()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();

        var planned = (await host.SetupAsync()).Plan().Select(action => action.Describe()).ToList();

        Assert.Equal(planned, await ApplyAsync(host, null));
        Assert.Equal(planned.Count, (await host.SetupAsync()).PlanUndo().Count);
    }

    [Fact]
    public async Task Directories_and_cgroups_are_the_accounts_with_the_modes_that_sandboxes_need()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, FakeHost.Ordinary);

        Assert.Equal((0x1C0u, FakeHost.OrdinaryUid), ModeAndOwner(host, "/var/lib/contingious-teacher"));
        Assert.Equal((0x1C9u, FakeHost.OrdinaryUid), ModeAndOwner(host, "/var/lib/contingious-teacher/images"));
        Assert.Equal((0x1C0u, FakeHost.OrdinaryUid), ModeAndOwner(host, "/var/lib/contingious-teacher/staging"));
        Assert.Equal((0x1C9u, FakeHost.OrdinaryUid), ModeAndOwner(host, "/run/contingious-teacher"));
        Assert.Equal((0x1EDu, FakeHost.OrdinaryUid), ModeAndOwner(host, "/sys/fs/cgroup/memory/contingious-teacher"));
        Assert.Equal((0x1EDu, 0u), ModeAndOwner(host, "/sys/fs/cgroup/memory"));
        Assert.Equal((0x1B6u, 0u), ModeAndOwner(host, "/dev/net/tun"));
        Assert.Equal((0x180u, 0u), ModeAndOwner(host, "/var/lib/contingious-setup/contingious-teacher.json"));
    }

    [Fact]
    public async Task A_setup_that_was_stopped_anywhere_is_undone_exactly_and_continued_to_the_same_end()
    {
        RootOnly.Require();
        using var whole = FakeHost.Hybrid();
        var count = (await ApplyAsync(whole, null)).Count;
        var end = TreeSnapshot.Of(whole.Root.Prefix);
        for (var stop = 1; stop < count; stop++)
        {
            using var host = FakeHost.Hybrid();
            var before = TreeSnapshot.Of(host.Root.Prefix);
            await StopAfterAsync(host, stop);
            await UndoAsync(host, null);
            Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));

            await StopAfterAsync(host, stop);
            Assert.Equal(count - stop, (await ApplyAsync(host, null)).Count);
            Assert.Equal(end, TreeSnapshot.Of(host.Root.Prefix));
        }
    }

    [Fact]
    public async Task Actions_that_were_written_down_and_never_done_are_undone_by_doing_nothing()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        var before = TreeSnapshot.Of(host.Root.Prefix);
        var setup = await host.SetupAsync();
        var record = SetupRecord.Read(host.Root, new HostLayout(new HostAccount("contingious", 0, 0, "/")));
        foreach (var action in setup.Plan()) record.Add(action);

        await UndoAsync(host, null);

        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task What_was_there_before_the_first_attempt_is_what_undo_puts_back()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        host.MakeDirectory("/var/lib/contingious-teacher/images");
        host.Write("/var/lib/contingious-teacher/images/kept", "an image of before");
        HostPathMode(host, "/var/lib/contingious-teacher/images", 0x1E8);
        var before = TreeSnapshot.Of(host.Root.Prefix);

        await ApplyAsync(host, FakeHost.Ordinary);
        HostPathMode(host, "/var/lib/contingious-teacher/images", 0x1FF);
        await ApplyAsync(host, FakeHost.Ordinary);
        await UndoAsync(host, FakeHost.Ordinary);

        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task Two_accounts_are_set_up_and_undone_apart_and_share_no_id()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, null);
        var one = TreeSnapshot.Of(host.Root.Prefix);

        await ApplyAsync(host, FakeHost.Ordinary);
        var ranges = SubordinateIds.Parse(host.Root.Lines("/etc/subuid")).OrderBy(range => range.First).ToList();
        Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.First));
        var undone = await UndoAsync(host, FakeHost.Ordinary);

        // The tun device was opened for the first account, so it stays.
        Assert.DoesNotContain(undone, line => line.Contains("tun", StringComparison.Ordinal));
        Assert.Equal(one, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task What_two_accounts_rely_on_is_undone_with_the_last_of_them()
    {
        RootOnly.Require();
        using var host = FakeHost.Systemd();
        var before = TreeSnapshot.Of(host.Root.Prefix);
        await ApplyAsync(host, null);
        await ApplyAsync(host, FakeHost.Ordinary);

        Assert.DoesNotContain((await host.SetupAsync()).PlanUndo(), action => action is OpenTunDevice);
        var first = await UndoAsync(host, null);
        Assert.DoesNotContain(first, line => line.Contains("tun", StringComparison.Ordinal));
        Assert.Equal((0x1B6u, 0u), ModeAndOwner(host, "/dev/net/tun"));
        Assert.NotNull(host.Root.TryStatus("/etc/tmpfiles.d/contingious-teacher.conf"));

        Assert.Contains("remove the device /dev/net/tun", await UndoAsync(host, FakeHost.Ordinary));
        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task Undo_says_that_the_images_are_lost()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, null);

        Assert.Contains("remove the directory /var/lib/contingious/images and all it holds: the imported images will be lost", (await host.SetupAsync()).PlanUndo().Select(action => action.DescribeUndo()));
    }

    [Fact]
    public async Task Undo_is_refused_while_the_keeper_lives_and_names_what_stops_it()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, null);
        var done = TreeSnapshot.Of(host.Root.Prefix);
        host.Write("/run/contingious/keeper.json", """{"pid":4321,"startTime":987}""");
        host.Write("/proc/4321/stat", "4321 (a ) keeper) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 987 1 2 3\n");

        var refusal = await Assert.ThrowsAsync<HostNotReadyException>(() => UndoAsync(host, null));
        Assert.Contains("contingious keeper stop", refusal.Message, StringComparison.Ordinal);
        Assert.All(done, line => Assert.Contains(line, TreeSnapshot.Of(host.Root.Prefix)));

        // The id was given to another process since.
        host.Write("/proc/4321/stat", "4321 (other) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5000 1 2 3\n");
        Assert.NotEmpty(await UndoAsync(host, null));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"pid":"x","startTime":1}""")]
    [InlineData("""{"pid":1}""")]
    public async Task A_keeper_file_that_is_none_stops_no_undo(string content)
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, null);
        host.Write("/run/contingious/keeper.json", content);

        Assert.NotEmpty(await UndoAsync(host, null));
    }

    [Fact]
    public async Task Undo_is_refused_while_a_process_is_in_a_cgroup_of_the_account()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, null);
        host.Write("/sys/fs/cgroup/memory/contingious/ctg-a-1/cgroup.procs", "77\n");

        var refusal = await Assert.ThrowsAsync<HostNotReadyException>(() => UndoAsync(host, null));

        Assert.Contains("77", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_that_the_account_put_in_a_directorys_place_is_not_followed()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        await ApplyAsync(host, FakeHost.Ordinary);
        host.MakeDirectory("/srv/precious");
        Directory.Delete(host.At("/var/lib/contingious-teacher/images"));
        File.CreateSymbolicLink(host.At("/var/lib/contingious-teacher/images"), host.At("/srv/precious"));
        var precious = ModeAndOwner(host, "/srv/precious");

        await Assert.ThrowsAsync<ContingiousException>(() => ApplyAsync(host, FakeHost.Ordinary));

        Assert.Equal(precious, ModeAndOwner(host, "/srv/precious"));
        await UndoAsync(host, FakeHost.Ordinary);
        Assert.NotNull(host.Root.TryStatus("/srv/precious"));
    }

    [Fact]
    public async Task Undo_removes_cgroups_that_sandboxes_left_and_follows_nothing()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        var before = TreeSnapshot.Of(host.Root.Prefix);
        await ApplyAsync(host, null);
        host.MakeDirectory("/sys/fs/cgroup/memory/contingious/ctg-a-1/step-0");
        host.MakeDirectory("/sys/fs/cgroup/pids/contingious/ctg-b-1");

        await UndoAsync(host, null);

        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task A_record_that_cannot_be_read_is_a_sentence_and_nothing_is_done()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        host.Write("/var/lib/contingious-setup/contingious.json", """{"version":1,"actions":[{"action":"sing"}]}""");
        var before = TreeSnapshot.Of(host.Root.Prefix);

        var fault = await Assert.ThrowsAsync<ContingiousException>(() => ApplyAsync(host, null));

        Assert.Contains("/var/lib/contingious-setup/contingious.json", fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
    }

    [Fact]
    public async Task Two_setups_at_a_time_are_refused()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        using var other = SetupTurn.Take(host.Root);

        await Assert.ThrowsAsync<HostNotReadyException>(() => ApplyAsync(host, null));
    }

    [Fact]
    public async Task The_service_is_started_by_the_path_that_was_asked_for_and_is_delegated_its_cgroup()
    {
        RootOnly.Require();
        using var host = FakeHost.Systemd();
        await ApplyAsync(host, null);

        var unit = host.Root.Lines("/etc/systemd/system/contingious.service");
        Assert.Contains("ExecStart=/opt/contingious/contingious agent", unit);
        Assert.Contains("User=contingious", unit);
        Assert.Contains("Delegate=yes", unit);
        Assert.Equal(["d /run/contingious 0711 contingious contingious -"], host.Root.Lines("/etc/tmpfiles.d/contingious.conf"));
    }

    private static FakeHost Make(string kind) => kind == nameof(FakeHost.Hybrid) ? FakeHost.Hybrid() : FakeHost.Systemd();

    private static async Task<List<string>> ApplyAsync(FakeHost host, string? account)
    {
        var done = new List<string>();
        await (await host.SetupAsync(account)).ApplyAsync(action => done.Add(action.Describe()), CancellationToken.None);
        return done;
    }

    private static async Task<List<string>> UndoAsync(FakeHost host, string? account)
    {
        var undone = new List<string>();
        await (await host.SetupAsync(account)).UndoAsync(action => undone.Add(action.DescribeUndo()), CancellationToken.None);
        return undone;
    }

    private static async Task StopAfterAsync(FakeHost host, int count)
    {
        using var stop = new CancellationTokenSource();
        var setup = await host.SetupAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => setup.ApplyAsync(
            _ =>
            {
                if (--count == 0) stop.Cancel();
            },
            stop.Token));
    }

    private static (uint Mode, uint Uid) ModeAndOwner(FakeHost host, string path) =>
        host.Root.TryStatus(path) is { } status ? (status.Permissions, status.Uid) : throw new IOException($"{path} is missing.");

    private static void HostPathMode(FakeHost host, string path, int mode) => File.SetUnixFileMode(host.At(path), (UnixFileMode)mode);
}
