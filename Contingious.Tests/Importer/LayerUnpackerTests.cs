using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class LayerUnpackerTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();
    private readonly UnpackReport report = new();
    private readonly DirectoryHandle root;

    public LayerUnpackerTests()
    {
        Directory.CreateDirectory(scratch["rootfs"]);
        root = DirectoryHandle.Open(scratch["rootfs"]);
    }

    [Theory]
    [InlineData("../escaped")]
    [InlineData("a/../../escaped")]
    [InlineData("/../escaped")]
    [InlineData("a/..")]
    [InlineData("..")]
    public void B1_a_name_that_walks_through_dot_dot_is_refused(string name) => Refused("..", new TarBuilder().Directory("a").File(name, "x"));

    [Theory]
    [InlineData("/etc/file")]
    [InlineData("//etc/./file")]
    [InlineData("./etc/file")]
    public void B1_an_absolute_name_is_inside_the_rootfs(string name)
    {
        Apply(new TarBuilder().File(name, "x"));
        Assert.Equal("x", File.ReadAllText(scratch["rootfs/etc/file"]));
        scratch.AssertNothingLeftIt();
    }

    [Theory]
    [InlineData(".")]
    [InlineData("/")]
    [InlineData("./.")]
    public void B2_CVE_2021_29136_the_root_itself_never_becomes_a_symlink(string name) => Refused("its own root", new TarBuilder().Symlink(name, "/etc").File("./passwd", "x"));

    [Theory]
    [InlineData("/")]
    [InlineData("..")]
    [InlineData("../../../..")]
    [InlineData("/nothing/../../..")]
    [InlineData("/proc/self/root")]
    public void B3_a_file_behind_a_symlink_stays_in_the_rootfs(string target)
    {
        var error = Record.Exception(() => Apply(new TarBuilder().Directory("etc").Symlink("link", target).File("link/etc/x", "inside")));
        if (error is null) Assert.Equal("inside", File.ReadAllText(scratch["rootfs/etc/x"]));
        else Assert.IsType<InvalidImageException>(error);
        Assert.False(File.Exists("/etc/x"));
        scratch.AssertNothingLeftIt();
    }

    [Fact]
    public void B3_a_symlink_to_the_root_means_the_rootfs()
    {
        Apply(new TarBuilder().Symlink("link", "/").File("link/etc/x", "inside"));
        Assert.Equal("inside", File.ReadAllText(scratch["rootfs/etc/x"]));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("link/passwd")]
    [InlineData("later")]
    [InlineData("")]
    [InlineData("directory")]
    public void B4_a_hard_link_to_anything_but_a_file_of_the_rootfs_is_refused(string target) =>
        Refused("", new TarBuilder().Directory("directory").Symlink("link", "/etc").HardLink("hard", target).File("later", "x"));

    [Fact]
    public void B4_a_hard_link_is_another_name_of_the_same_file()
    {
        Apply(new TarBuilder().File("a/one", "x").Symlink("to-a", "/a").HardLink("two", "/to-a/one").HardLink("two", "a/one"));
        using var a = root.OpenDirectory("a");
        var status = Status("two");
        Assert.Equal((2u, a.TryStatus("one"u8)?.Inode), (status?.LinkCount, status?.Inode));
    }

    [Fact]
    public void B4_a_hard_link_to_a_symlink_links_the_symlink()
    {
        Apply(new TarBuilder().Symlink("soft", "/etc/passwd").HardLink("hard", "soft"));
        Assert.Equal(FileKind.Symlink, Status("hard")?.Kind);
    }

    [Fact]
    public void B6_devices_and_fifos_are_left_out_and_reported()
    {
        Apply(new TarBuilder().Entry('3', "null"u8.ToArray()).Entry('4', "sda"u8.ToArray()).Entry('6', "fifo"u8.ToArray()).File("file"));
        Assert.Equal(["file"], Names());
        Assert.Equal(3, report.Count(Dropped.Devices));
        Assert.Contains("null", Assert.Single(report.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void B13_an_owner_that_cannot_be_kept_is_refused_by_name()
    {
        Privileges.NeedRoot();
        Refused("70000", new TarBuilder().File("file", uid: 70000));
    }

    [Fact]
    public void B13_directories_that_nobody_may_enter_are_unpacked_and_can_be_removed()
    {
        Privileges.NeedRoot();
        Apply(new TarBuilder().Directory("closed", mode: 0, uid: 1234).File("closed/file", "x", mode: 0, uid: 1234));
        Assert.Equal((0u, 1234u), (Status("closed")?.Permissions, Status("closed")?.Uid));
        root.RemoveTree("closed"u8);
        Assert.Null(Status("closed"));
    }

    [Fact]
    public void Owners_modes_and_times_are_kept()
    {
        Privileges.NeedRoot();
        Apply(new TarBuilder().Directory("d", mode: 0x1C0, uid: 1000, gid: 100, mtime: 1_000_000).File("d/f", "x", mode: 0x180, uid: 65535, gid: 65534, mtime: 2_000_000).Symlink("d/l", "f"));
        var directory = Status("d");
        Assert.Equal((0x1C0u, 1000u, 100u, 1_000_000L), (directory?.Permissions, directory?.Uid, directory?.Gid, directory?.ModifySeconds));
        using var handle = root.OpenDirectory("d");
        var file = handle.TryStatus("f"u8);
        Assert.Equal((0x180u, 65535u, 65534u, 2_000_000L), (file?.Permissions, file?.Uid, file?.Gid, file?.ModifySeconds));
        Assert.Equal(1_700_000_000, handle.TryStatus("l"u8)?.ModifySeconds);
    }

    [Fact]
    public void B14_a_symlink_loop_in_a_path_is_refused() => Refused("ELOOP", new TarBuilder().Symlink("a", "b").Symlink("b", "a").File("a/x", "x"));

    [Fact]
    public void B14_names_that_are_too_long_or_too_deep_are_refused()
    {
        Refused("components", Long(string.Join('/', Enumerable.Repeat("d", 1000))));
        Refused("ENAMETOOLONG", Long(new string('n', 256)));
        Refused("bytes", Long(string.Join('/', Enumerable.Repeat(new string('n', 100), 50))));
        Refused("ENAMETOOLONG", new TarBuilder().Pax(("linkpath", TarBuilder.Bytes(new string('l', 5000)))).Symlink("l", "x"));
        Refused("", new TarBuilder().Symlink("empty", ""));
    }

    [Fact]
    public void B14_a_path_as_deep_as_allowed_is_unpacked()
    {
        Apply(Long(string.Join('/', Enumerable.Repeat("d", 256))));
        Assert.Equal(["d"], Names());
    }

    [Fact]
    public async Task Symlinks_with_dot_dot_are_walked_while_others_rename_and_mount()
    {
        // The kernel answers such a walk with EAGAIN whenever anything on the host was renamed meanwhile (openat2(2)).
        Apply(new TarBuilder().Directory("usr/lib").Directory("a/b").Symlink("a/b/up", "../../usr/../a/../usr/lib"));
        using var done = new CancellationTokenSource();
        var (one, two) = (scratch["one"], scratch["two"]);
        File.WriteAllText(one, "x");
        var renames = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                File.Move(one, two);
                File.Move(two, one);
            }
        });
        try
        {
            for (var i = 0; i < 20_000; i++) root.OpenDirectory("a/b/up"u8, Resolve.InRoot).Dispose();
        }
        finally
        {
            await done.CancelAsync();
            await renames;
        }
    }

    [Fact]
    public void A_dangling_symlink_in_a_path_is_refused() => Refused("ENOENT", new TarBuilder().Symlink("lock", "/run/lock").File("lock/x"));

    [Fact]
    public void B8_more_entries_or_bytes_than_allowed_are_refused()
    {
        var limits = new ImportLimits { Entries = 10, Unpacked = new(100) };
        var many = new TarBuilder();
        for (var i = 0; i < 11; i++) many.File($"f{i}");
        Assert.Throws<InvalidImageException>(() => Apply(limits, many));
        Assert.Throws<InvalidImageException>(() => Apply(limits, new TarBuilder().File("a", new string('x', 60)).File("b", new string('x', 60))));
        Assert.Throws<InvalidImageException>(() => Apply(limits, new TarBuilder().Entry('0', "f"u8.ToArray(), size: 1L << 40)));
    }

    [Fact]
    public void A_later_entry_replaces_an_earlier_one_of_any_kind()
    {
        Apply(
            new TarBuilder().File("a", "old").Symlink("b", "/etc").Directory("c").File("c/below", "x").Directory("d").File("d/kept", "x").Symlink("e", "d"),
            new TarBuilder().Symlink("a", "new").File("b", "new").File("c", "new").Directory("d").Directory("e"));
        Assert.Equal(["a", "b", "c", "d", "e"], Names());
        Assert.Equal((FileKind.Symlink, FileKind.Regular, FileKind.Regular, FileKind.Directory), (Status("a")?.Kind, Status("b")?.Kind, Status("c")?.Kind, Status("e")?.Kind));
        Assert.True(File.Exists(scratch["rootfs/d/kept"]));
    }

    [Fact]
    public void Writing_a_file_does_not_write_through_a_symlink_of_that_name()
    {
        Apply(new TarBuilder().File("target", "old").Symlink("link", "target"), new TarBuilder().File("link", "new"));
        Assert.Equal("old", File.ReadAllText(scratch["rootfs/target"]));
    }

    public void Dispose()
    {
        root.Dispose();
        scratch.Dispose();
    }

    private static TarBuilder Long(string name) => new TarBuilder().Pax(("path", TarBuilder.Bytes(name))).File("short");

    private void Apply(params TarBuilder[] layers) => Apply(ImportLimits.Default, layers);

    private void Apply(ImportLimits limits, params TarBuilder[] layers)
    {
        var unpacker = new LayerUnpacker(root, limits, report, keepOwners: Privileges.IsRoot);
        foreach (var layer in layers) unpacker.Apply(new MemoryStream(layer.Build()), TestContext.Current.CancellationToken);
    }

    private void Refused(string message, params TarBuilder[] layers)
    {
        var error = Assert.Throws<InvalidImageException>(() => Apply(layers));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        scratch.AssertNothingLeftIt();
    }

    private FileStatus? Status(string name) => root.TryStatus(TarBuilder.Bytes(name));

    private IEnumerable<string> Names() => Directory.EnumerateFileSystemEntries(scratch["rootfs"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
