using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Storage;

/// <summary>
/// How slots are leased, held to a job's limit and given back. A small tmpfs stands for each slot: it shows a size of its
/// own as a directory with a project quota does. The quotas themselves are <see cref="DiskSlotQuotaTests"/>'.
/// </summary>
[Trait("Needs", "keeper")]
public sealed class SlotDiskTests(EngineFixture fixture) : IAsyncLifetime
{
    private static readonly ByteSize limit = ByteSize.FromMiB(2);
    private static readonly ByteSize size = ByteSize.FromMiB(8);
    private const int Inodes = 200;

    private SandboxPlace place = null!;

    private string Slots => $"{place.Layout.StagingDirectory}/{place.Name}";

    public async ValueTask InitializeAsync()
    {
        place = await SandboxPlace.MakeAsync(fixture);
        for (var i = 0; i < 2; i++)
        {
            Directory.CreateDirectory($"{Slots}/slot-0{i}");
            Mounts.Tmpfs($"{Slots}/slot-0{i}", size.Bytes, Inodes, "0711");
        }
    }

    public ValueTask DisposeAsync()
    {
        for (var i = 0; i < 2; i++) Mounts.TryUnmount($"{Slots}/slot-0{i}");
        Directory.Delete(Slots, recursive: true);
        place.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void C9_A_job_gets_its_own_limit_of_bytes_in_a_larger_slot_and_nobody_watches_it()
    {
        using var disk = Lease("a")!;
        Assert.Equal((DiskBackend.ProjectQuota, new DiskUse(0, 0, IsFull: false, IsOver: false)), (disk.Backend, disk.Use()));
        Fill.With($"{disk.Directory}/fits", limit.Bytes);
        Assert.Equal((limit.Bytes, 1, true, false), (disk.Use().UsedBytes, disk.Use().UsedInodes, disk.Use().IsFull, disk.Use().IsOver));
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{disk.Directory}/more", 1));
    }

    [Fact]
    public void What_is_allowed_for_is_room_on_top_and_can_be_taken_back()
    {
        using var disk = Lease("a")!;
        disk.Allow(1 << 20, 3);
        Fill.With($"{disk.Directory}/brought", 1 << 20);
        Assert.Equal((0, 0), (disk.Use().UsedBytes, disk.Use().UsedInodes));
        Fill.With($"{disk.Directory}/fits", limit.Bytes);
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{disk.Directory}/more", 1));
        File.Delete($"{disk.Directory}/brought");
        disk.Allow(-(1 << 20), -3);
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{disk.Directory}/more", 1));
        Assert.Contains("slot-00", Assert.Throws<Contingious.Engine.HostNotReadyException>(() => disk.Allow(size.Bytes, 0)).Message);
    }

    [Fact]
    public void Only_where_the_slot_has_no_more_files_than_the_job_may_make_is_that_limit_the_kernel_s()
    {
        using var loose = Lease("a")!;
        Assert.False(loose.IsStrict);
        for (var i = 0; i < 21; i++) Fill.With($"{loose.Directory}/{i}", 0);
        Assert.Equal((true, true), (loose.Use().IsFull, loose.Use().IsOver));

        // The root and the ballast have one each.
        using var strict = Lease("b", Inodes - 2)!;
        Assert.True(strict.IsStrict);
        for (var i = 0; i < Inodes - 2; i++) Fill.With($"{strict.Directory}/{i}", 0);
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{strict.Directory}/more", 0));
    }

    [Fact]
    public void A_slot_is_one_sandbox_s_until_it_is_given_back_empty()
    {
        var first = Lease("a")!;
        using var second = Lease("b")!;
        Assert.Null(Lease("c"));
        Assert.Equal(["a", "b"], SlotDisk.Sandboxes(Slots));
        Fill.With($"{first.Directory}/left", 4096);
        first.Dispose();
        Assert.Equal(["b"], SlotDisk.Sandboxes(Slots));
        using var third = Lease("c")!;
        Assert.Equal([".ballast"], Directory.EnumerateFileSystemEntries(third.Directory).Select(Path.GetFileName));
    }

    [Fact]
    public void A_killed_agent_s_slot_is_nobody_s_before_it_is_swept()
    {
        var first = Lease("a")!;
        Fill.With($"{first.Directory}/left", 4096);
        using var second = Lease("b")!;
        Mounts.TryUnmount(first.Directory);
        Assert.Null(Lease("c"));
        SlotDisk.GiveBackOf(Slots, "a");
        Assert.Equal(["b"], SlotDisk.Sandboxes(Slots));
        Assert.Empty(Directory.EnumerateFileSystemEntries($"{Slots}/slot-00"));
    }

    [Fact]
    public void A_slot_that_is_too_small_or_has_no_quota_in_force_is_not_leased()
    {
        Assert.Null(SlotDisk.TryLease(Slots, "a", Directory.CreateDirectory($"{place.Directory}/a/disk").FullName, limit, 20, size));
        Assert.Null(Lease("a", Inodes));
        Mounts.TryUnmount($"{Slots}/slot-00");
        using var disk = Lease("a")!;
        Assert.True(File.Exists($"{Slots}/slot-01/.ballast"));
        Assert.Single(SlotDisk.InForce(Slots));
    }

    private SlotDisk? Lease(string sandbox, int inodes = 20) =>
        SlotDisk.TryLease(Slots, sandbox, Directory.CreateDirectory($"{place.Directory}/{sandbox}/disk").FullName, limit, inodes, default);
}
