using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Modes, extended attributes and times of what is unpacked.</summary>
public sealed class UnpackedAttributeTests : IDisposable
{
    private static readonly byte[] capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly ScratchDirectory scratch = new();
    private readonly UnpackReport report = new();
    private readonly DirectoryHandle root;

    public UnpackedAttributeTests()
    {
        Directory.CreateDirectory(scratch["rootfs"]);
        root = DirectoryHandle.Open(scratch["rootfs"]);
    }

    [Fact]
    public void B7_set_id_bits_are_dropped_and_counted_and_a_directory_keeps_its_sticky_bit()
    {
        Apply(new TarBuilder()
            .File("su", "x", mode: 0x9ED)
            .File("sg", "x", mode: 0x5ED)
            .File("sticky", "x", mode: 0x3ED)
            .Directory("tmp", mode: 0x3FF)
            .Directory("mail", mode: 0x5FD));
        Assert.Equal([0x1EDu, 0x1EDu, 0x1EDu, 0x3FFu, 0x1FDu], new[] { "su", "sg", "sticky", "tmp", "mail" }.Select(name => Status(name).Permissions));
        Assert.Equal((2, 1, 1), (report.Count(Dropped.SetUserId), report.Count(Dropped.Sticky), report.Count(Dropped.DirectorySetId)));
    }

    [Fact]
    public void B7_attributes_of_user_are_kept_and_all_others_dropped_and_named()
    {
        Apply(new TarBuilder()
            .Pax(Xattr("user.test", 1, 0, 10), Xattr("user.overlay.opaque", 121), Xattr("trusted.overlay.opaque", 121), Xattr("trusted.x", 1), Xattr("security.selinux", 1), Xattr("system.posix_acl_access", 2))
            .File("file", "x")
            .Pax(Xattr("user.test", 2), Xattr("user.overlay.whiteout", 121))
            .Directory("directory")
            .Pax(Xattr("user.test", 3))
            .Symlink("link", "file"));
        using var file = root.OpenRead("file"u8);
        using var directory = root.OpenDirectory("directory");
        Assert.Equal(["user.test"], FileXattrs.Names(file).Select(name => System.Text.Encoding.ASCII.GetString(name)));
        Assert.Equal([1, 0, 10], FileXattrs.TryGet(file, "user.test"u8)!);
        Assert.Equal([2], FileXattrs.TryGet(directory, "user.test"u8)!);
        Assert.Equal((3, 3, 1), (report.Count(Dropped.Xattrs), report.Count(Dropped.OverlayXattrs), report.Count(Dropped.RefusedXattrs)));
        Assert.Contains(report.Lines, line => line.Contains("file (trusted.x)", StringComparison.Ordinal));
        Assert.Contains(report.Lines, line => line.Contains("link (user.test)", StringComparison.Ordinal));
    }

    [Fact]
    public void B7_a_file_s_capabilities_are_kept_where_the_kernel_lets_us()
    {
        Apply(new TarBuilder().Pax(Xattr("security.capability", capability)).File("ping", "content", uid: Privileges.IsRoot ? 7 : 0));
        using var file = root.OpenRead("ping"u8);
        var kept = FileXattrs.TryGet(file, "security.capability"u8);
        if (Privileges.IsRoot) Assert.Equal(capability[4..12], kept![4..12]);
        else Assert.Contains(report.Lines, line => line.Contains("ping (security.capability) (EPERM)", StringComparison.Ordinal));
        Assert.Equal(Privileges.IsRoot ? 0 : 1, report.Count(Dropped.RefusedXattrs));
    }

    [Fact]
    public void B7_what_the_kernel_refuses_is_counted_with_its_reason()
    {
        Apply(new TarBuilder().Pax(Xattr("security.capability", 1, 2, 3), Xattr("user." + new string('n', 300), 1), Xattr("user.large", new byte[70_000])).File("file"));
        Assert.Equal(3, report.Count(Dropped.RefusedXattrs));
        Assert.True(File.Exists(scratch["rootfs/file"]));
    }

    [Fact]
    public void A_directory_that_a_later_layer_describes_has_the_attributes_of_that_layer_only()
    {
        Apply(
            new TarBuilder().Pax(Xattr("user.old", 1), Xattr("user.both", 1)).Directory("d"),
            new TarBuilder().Pax(Xattr("user.both", 2)).Directory("d"));
        using var directory = root.OpenDirectory("d");
        Assert.Null(FileXattrs.TryGet(directory, "user.old"u8));
        Assert.Equal([2], FileXattrs.TryGet(directory, "user.both"u8)!);
    }

    [Fact]
    public void The_last_of_two_entries_of_one_name_wins()
    {
        Apply(new TarBuilder()
            .File("f", "first", mtime: 1).Directory("d", mode: 0x1C0, mtime: 2).File("d/x").Directory("d", mode: 0x1ED, mtime: 3).File("f", "second", mtime: 4).File("d/y"));
        Assert.Equal("second", File.ReadAllText(scratch["rootfs/f"]));
        Assert.Equal((0x1EDu, 3L), (Status("d").Permissions, Status("d").ModifySeconds));
        Assert.Equal(2, Directory.GetFiles(scratch["rootfs/d"]).Length);
    }

    [Fact]
    public void A_directory_without_an_entry_in_a_layer_keeps_its_time()
    {
        Apply(
            new TarBuilder().Directory("d", mtime: 1000).File("d/old").Directory("d/sub", mtime: 2000).File("d/sub/old").Symlink("s", "d/sub"),
            new TarBuilder().File("d/new").File("s/new").File("d/sub/.wh.old").File("d/.wh.old").HardLink("d/sub/link", "d/new"));
        Assert.Equal((1000L, 2000L), (Status("d").ModifySeconds, Status("sub", "d").ModifySeconds));
        Assert.Equal(["link", "new"], Directory.GetFiles(scratch["rootfs/d/sub"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_directory_that_no_layer_describes_is_root_s_and_as_old_as_can_be()
    {
        Apply(new TarBuilder().File("a/b/c"), new TarBuilder().File("a/b/d"));
        Assert.Equal((0x1EDu, 0L, 0u), (Status("a").Permissions, Status("a").ModifySeconds, Status("a").ModifyNanoseconds));
        Assert.Equal(0, Status("b", "a").ModifySeconds);
        Assert.Equal(0, root.Status().ModifySeconds);
    }

    [Fact]
    public void More_directories_than_are_held_open_keep_their_times()
    {
        var tar = new TarBuilder();
        for (var i = 0; i < 200; i++) tar.Directory($"d{i}", mtime: 1000 + i);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 200; i++) tar.File($"d{i}/f{round}");
        }

        Apply(tar);
        Assert.All(Enumerable.Range(0, 200), i => Assert.Equal(1000 + i, Status($"d{i}").ModifySeconds));
    }

    public void Dispose()
    {
        root.Dispose();
        scratch.Dispose();
    }

    private static (string Key, byte[] Value) Xattr(string name, params byte[] value) => ($"SCHILY.xattr.{name}", value);

    private void Apply(params TarBuilder[] layers)
    {
        var unpacker = new LayerUnpacker(root, ImportLimits.Default, report, keepOwners: Privileges.IsRoot);
        foreach (var layer in layers) unpacker.Apply(new MemoryStream(layer.Build()), TestContext.Current.CancellationToken);
    }

    private FileStatus Status(string name, string directory = ".")
    {
        using var parent = root.OpenDirectory(directory);
        return parent.TryStatus(TarBuilder.Bytes(name))!.Value;
    }
}
