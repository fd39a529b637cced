using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Storage;

/// <summary>The clone engine that lays a writable layer over the whole image.</summary>
[Trait("Needs", "keeper")]
public sealed class OverlayCloneTests(EngineFixture fixture)
{
    private const uint FirstId = 131_072;
    private static readonly ByteSize limit = ByteSize.FromMiB(1);

    [Theory]
    [InlineData(DiskBackend.Tmpfs)]
    [InlineData(DiskBackend.Watched)]
    public async Task It_shows_the_whole_image_in_the_slice_s_ids_and_keeps_what_is_written_on_the_disk(DiskBackend backend)
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        using var disk = JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = backend }, limit, 20);
        using var clone = image.Clone(place, disk, "rootfs-0", CloneEngine.Overlay, FirstId);
        var root = clone.RootfsDirectory;
        Assert.Empty(RootfsClone.ReadOnlyMountsOf(image.Image with { CloneEngine = CloneEngine.Overlay }));
        Assert.Equal(new DiskUse(0, 0, IsFull: false, IsOver: false), disk.Use());
        Assert.Equal("a tool", await File.ReadAllTextAsync($"{root}/usr/tool"));
        Assert.Equal(StagedImage.Content, await File.ReadAllBytesAsync($"{root}/work/data"));
        Assert.All(["", "/work/data", "/usr/tool", "/bin"], path => Assert.Equal(FirstId, HostPath.TryStatus(root + path)!.Value.Uid));

        await File.WriteAllTextAsync($"{root}/usr/tool", "changed");
        File.Delete($"{root}/work/data");
        Fill.With($"{root}/work/new", 8192);
        Assert.Equal("changed", await File.ReadAllTextAsync($"{disk.Directory}/rootfs-0/upper/usr/tool"));
        Assert.InRange(disk.Use().UsedBytes, 3 * 4096, 6 * 4096);

        using var other = image.Clone(place, disk, "rootfs-1", CloneEngine.Overlay, FirstId);
        Assert.Equal("a tool", await File.ReadAllTextAsync($"{other.RootfsDirectory}/usr/tool"));
        Assert.Equal("a tool", await File.ReadAllTextAsync(image.ReadOnlyFile));
        Assert.True(File.Exists($"{other.RootfsDirectory}/work/data"));
    }

    [Fact]
    public async Task C9_What_is_written_anywhere_in_it_counts_for_the_one_limit()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        using var disk = JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = DiskBackend.Tmpfs }, limit, 20);
        using var clone = image.Clone(place, disk, "rootfs-0", CloneEngine.Overlay);
        Fill.With($"{clone.RootfsDirectory}/usr/big", limit.Bytes);
        Assert.True(disk.Use().IsFull);
        Assert.Equal((int)Errno.ENOSPC, Fill.UntilRefused($"{clone.RootfsDirectory}/work/more", 1));
    }

    [Fact]
    public async Task Directories_can_be_removed_and_made_again_as_on_any_file_system()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        using var disk = JobDisk.Create(place.Layout, place.Directory, new DiskPolicy { Backend = DiskBackend.Tmpfs }, limit, 20);
        using var clone = image.Clone(place, disk, "rootfs-0", CloneEngine.Overlay);
        Directory.Delete($"{clone.RootfsDirectory}/work", recursive: true);
        Directory.CreateDirectory($"{clone.RootfsDirectory}/work");
        Assert.Empty(Directory.EnumerateFileSystemEntries($"{clone.RootfsDirectory}/work"));
    }

    [Fact]
    public async Task The_image_is_shifted_once_for_a_slice_and_anew_where_a_killed_one_left_it_half_made()
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var image = StagedImage.Make(place);
        var made = ShiftedImage.Ensure(image.Image, FirstId, TestContext.Current.CancellationToken);
        var inode = HostPath.TryStatus(made)!.Value.Inode;
        Assert.Equal(made, ShiftedImage.Ensure(image.Image, FirstId, TestContext.Current.CancellationToken));
        Assert.Equal(inode, HostPath.TryStatus(made)!.Value.Inode);

        var unfinished = $"{image.ShiftedDirectory}/.{Path.GetFileName(made)}.new";
        Directory.Move(made, unfinished);
        File.Delete($"{unfinished}/usr/tool");
        Assert.Equal(made, ShiftedImage.Ensure(image.Image, FirstId, TestContext.Current.CancellationToken));
        Assert.Equal("a tool", await File.ReadAllTextAsync($"{made}/usr/tool"));
        Assert.False(Directory.Exists(unfinished));
        Assert.NotEqual(made, ShiftedImage.Ensure(image.Image, FirstId + 65_536, TestContext.Current.CancellationToken));
    }
}
