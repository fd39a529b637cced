using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Storage;

/// <summary>The bounded place of a job, on each of its back ends.</summary>
[Trait("Needs", "keeper")]
public sealed class JobDiskTests(EngineFixture fixture)
{
    private static readonly ByteSize limit = ByteSize.FromMiB(2);
    private static readonly DiskPolicy tmpfs = new() { Backend = DiskBackend.Tmpfs };
    private static readonly DiskPolicy watched = new() { Backend = DiskBackend.Watched };

    [Fact]
    public async Task C9_A_tmpfs_holds_the_limit_of_bytes_to_the_page()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var disk = JobDisk.Create(place.Layout, place.Directory, tmpfs, limit, 100);
        Assert.Equal(new DiskUse(0, 0, IsFull: false, IsOver: false), disk.Use());
        Assert.True(disk.IsStrict);
        Fill.With($"{disk.Directory}/fits", limit.Bytes);
        Assert.Equal(new DiskUse(limit.Bytes, 1, IsFull: true, IsOver: false), disk.Use());
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{disk.Directory}/more", 1));
        File.Delete($"{disk.Directory}/fits");
        File.Delete($"{disk.Directory}/more");
        Assert.Equal(new DiskUse(0, 0, IsFull: false, IsOver: false), disk.Use());
    }

    [Fact]
    public async Task C10_A_tmpfs_holds_the_limit_of_files_exactly()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var disk = JobDisk.Create(place.Layout, place.Directory, tmpfs, limit, 10);
        for (var i = 0; i < 10; i++) Fill.With($"{disk.Directory}/{i}", 0);
        Assert.Equal(new DiskUse(0, 10, IsFull: true, IsOver: false), disk.Use());
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{disk.Directory}/more", 0));
    }

    [Theory]
    [InlineData(DiskBackend.Tmpfs)]
    [InlineData(DiskBackend.Watched)]
    public async Task What_images_bring_is_not_charged_however_many_clones_there_are(DiskBackend backend)
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        using var disk = JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = backend }, limit, 10);
        using var first = image.Clone(place, disk, "rootfs-0", CloneEngine.Split);
        var second = image.Clone(place, disk, "rootfs-1", CloneEngine.Split);
        Assert.Equal(new DiskUse(0, 0, IsFull: false, IsOver: false), disk.Use());
        Assert.Equal(StagedImage.Content, await File.ReadAllBytesAsync($"{second.RootfsDirectory}/work/data"));

        Fill.With($"{first.RootfsDirectory}/work/one", 1 << 20);
        Fill.With($"{second.RootfsDirectory}/work/two", 1 << 20);
        Assert.Equal((limit.Bytes, 2, true), (disk.Use().UsedBytes, disk.Use().UsedInodes, disk.Use().IsFull));
        if (disk.IsStrict) Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{first.RootfsDirectory}/work/more", 1));
        File.Delete($"{first.RootfsDirectory}/work/more");

        second.Dispose();
        Assert.Equal((1L << 20, 1), (disk.Use().UsedBytes, disk.Use().UsedInodes));
        if (disk.IsStrict) Assert.Equal(1 << 20, Mounts.UseOf(disk.Directory).FreeBytes);
    }

    [Fact]
    public async Task A_watched_disk_says_when_a_job_is_over()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var disk = JobDisk.Create(place.Layout, place.Directory, watched, limit, 10);
        Assert.False(disk.IsStrict);
        Fill.With($"{disk.Directory}/all", limit.Bytes);
        Assert.Equal((true, false), (disk.Use().IsFull, disk.Use().IsOver));
        Fill.With($"{disk.Directory}/more", 1);
        Assert.Equal((true, true), (disk.Use().IsFull, disk.Use().IsOver));
        File.Delete($"{disk.Directory}/all");
        Assert.Equal((false, false), (disk.Use().IsFull, disk.Use().IsOver));
        for (var i = 0; i < 10; i++) Fill.With($"{disk.Directory}/{i}", 0);
        Assert.Equal((true, true), (disk.Use().IsFull, disk.Use().IsOver));
    }

    [Fact]
    public async Task A_watched_disk_is_not_reached_through_the_closed_state_directory_and_has_no_devices_or_set_uid_programs()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var disk = JobDisk.Create(place.Layout, place.Directory, watched, limit, 10);
        Assert.StartsWith(place.Layout.PrivateDirectory, disk.Directory);
        var options = File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')).Single(fields => fields[4] == disk.Directory)[5].Split(',');
        Assert.Superset(new HashSet<string> { "nosuid", "nodev" }, options.ToHashSet());
        Assert.Equal((UnixFileMode)0x1C9, File.GetUnixFileMode(disk.Directory));
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(place.Layout.WatchedDisksDirectory));
    }

    [Theory]
    [InlineData(DiskBackend.Tmpfs)]
    [InlineData(DiskBackend.Watched)]
    public async Task What_a_killed_agent_left_is_found_by_the_sandbox_s_name_and_removed(DiskBackend backend)
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        for (var round = 0; round < 2; round++)
        {
            Directory.CreateDirectory(place.Directory);
            var disk = JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = backend }, limit, 100);
            _ = image.Clone(place, disk, "rootfs-0", CloneEngine.Split);
            _ = image.Clone(place, disk, "rootfs-1", CloneEngine.Overlay);
            Assert.NotEmpty(place.Traces());

            // Nothing of what the killed one held in its hands.
            JobDisk.Discard(place.Layout, place.Directory);
            Assert.Empty(place.Traces());
            JobDisk.Discard(place.Layout, place.Directory);
        }
    }

    [Fact]
    public async Task A_watched_directory_is_found_also_where_the_keeper_that_showed_it_is_gone()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        _ = JobDisk.Create(place.Layout, place.Directory, watched, limit, 100);
        Assert.True(Mounts.TryUnmount($"{place.Directory}/disk"));
        Directory.Delete(place.Directory, recursive: true);
        Assert.Contains(place.Name, JobDisk.Owners(place.Layout));
        JobDisk.Discard(place.Layout, place.Directory);
        Assert.DoesNotContain(place.Name, JobDisk.Owners(place.Layout));
    }

    [Fact]
    public async Task A_job_that_is_small_enough_goes_on_a_tmpfs_and_a_larger_one_does_not()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        Prerequisite.Require(!Directory.Exists(place.Layout.DiskSlotsDirectory), "an account without disk slots");
        var policy = new DiskPolicy { TmpfsAtMost = ByteSize.FromMiB(3) };
        using (var small = JobDisk.Create(place.Layout, place.Directory, policy, limit, 10, ByteSize.FromMiB(1))) Assert.Equal(DiskBackend.Tmpfs, small.Backend);
        using (var large = JobDisk.Create(place.Layout, place.Directory, policy, limit, 10, ByteSize.FromMiB(1) + new ByteSize(1))) Assert.Equal(DiskBackend.Watched, large.Backend);
        var asked = Assert.Throws<HostNotReadyException>(() => JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = DiskBackend.ProjectQuota }, limit, 10));
        Assert.Contains("--disk-slots", asked.Message);
    }
}
