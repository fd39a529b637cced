using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class SplitTests
{
    [Theory]
    [InlineData("/usr", false)]
    [InlineData("/home", true)]
    [InlineData("/home/a/b", true)]
    [InlineData("/homes", false)]
    [InlineData("/var", false)]
    [InlineData("/var/tmp", true)]
    [InlineData("/var/lib", false)]
    [InlineData("/var/cache", false)]
    [InlineData("/var/log", true)]
    [InlineData("/etc", false)]
    [InlineData("/opt", false)]
    public void By_default_what_submissions_write_is_editable_and_all_else_is_not(string path, bool editable) =>
        Assert.Equal(editable, new ImportRequest { Name = ImageReference.Parse("x"), Source = "oci:x" }.Rules().IsEditable(path));

    [Fact]
    public void Of_two_lists_the_longest_prefix_decides_in_whatever_order()
    {
        var split = RootfsSplit.Of(["/opt/app/data", "/srv"], ["/srv/shared", "/opt/app/data/seed/"]);
        Assert.Equal(
            [false, true, false, true, false, true],
            new[] { "/opt", "/opt/app/data", "/opt/app/data/seed", "/srv", "/srv/shared/x", "/srv/own" }.Select(split.IsEditable));
    }

    [Theory]
    [InlineData("relative")]
    [InlineData("/a/../b")]
    [InlineData("")]
    public void A_rule_that_is_not_a_path_is_refused(string path)
    {
        Assert.Equal("editable", Assert.Throws<RejectedRequestException>(() => RootfsSplit.Of([path], [])).Field);
        Assert.Equal("readonly", Assert.Throws<RejectedRequestException>(() => RootfsSplit.Of([], [path])).Field);
    }

    [Fact]
    public void A_path_in_both_lists_is_refused() => Assert.Throws<RejectedRequestException>(() => RootfsSplit.Of(["/a/"], ["/a"]));

    [Fact]
    public async Task A_rootfs_is_cut_into_the_largest_read_only_subtrees()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder()
            .Symlink("bin", "usr/bin").Directory("usr").Directory("usr/bin").File("usr/bin/tool", "x").Directory("usr/lib", mode: 0x1E8, mtime: 1_234)
            .Directory("usr/local").Directory("usr/local/lib").File("usr/local/file", "x").Symlink("usr/local/link", "lib").Directory("usr/local/share").Directory("usr/local/share/data").File("usr/local/share/data/f", "12345")
            .Directory("var").Directory("var/tmp", mode: 0x3FF).Directory("var/lib").File("rootfile", "x").Directory("home").File("home/f", new string('x', 5000)).Build()).Build();

        var image = await fixture.ImportAsync(editable: ["/usr/local/share/data", "/home", "/nowhere/at/all"]);

        Assert.Equal(["/etc", "/usr/bin", "/usr/lib", "/usr/local/lib", "/var"], image.ReadOnlyMounts);
        Assert.Equal("x", File.ReadAllText(Path.Combine(image.ReadOnlyDirectory, "usr/bin/tool")));
        Assert.Equal("usr/bin", File.ResolveLinkTarget(Path.Combine(image.EditableDirectory, "bin"), false)?.FullName[(image.EditableDirectory.Length + 1)..]);
        foreach (var file in new[] { "rootfile", "usr/local/file", "usr/local/share/data/f", "home/f" }) Assert.True(File.Exists(Path.Combine(image.EditableDirectory, file)), file);
        foreach (var mount in image.ReadOnlyMounts)
        {
            Assert.True(Directory.Exists(image.ReadOnlyDirectory + mount), mount);
            Assert.Empty(Directory.EnumerateFileSystemEntries(image.EditableDirectory + mount));
        }

        using var usr = DirectoryHandle.Open(Path.Combine(image.EditableDirectory, "usr"));
        Assert.Equal((0x1E8u, 1_234L), (usr.TryStatus("lib"u8)?.Permissions, usr.TryStatus("lib"u8)?.ModifySeconds));
        Assert.Contains(fixture.Progress, line => line.Contains("/nowhere/at/all", StringComparison.Ordinal));
        Assert.Equal(fixture.Scratch.Tree(Path.GetRelativePath(fixture.Scratch.Root, image.EditableDirectory)).Count + 1, image.EditableFiles);
        Assert.Equal(4 * 4096 + 4096, image.EditableBytes);
    }

    [Fact]
    public async Task A_whole_rootfs_can_be_editable()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("usr/f").File("home/g").Build()).Build();
        var image = await fixture.ImportAsync(editable: ["/"]);
        Assert.Empty(image.ReadOnlyMounts);
        Assert.True(File.Exists(Path.Combine(image.EditableDirectory, "usr/f")));
    }

    [Fact]
    public async Task A_single_file_can_be_editable()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("etc/passwd", "x").Directory("etc/ssl").File("etc/ssl/cert").Build()).Build();
        var image = await fixture.ImportAsync(editable: ["/etc/passwd"]);
        Assert.Equal(["/etc/ssl"], image.ReadOnlyMounts);
        Assert.True(File.Exists(Path.Combine(image.EditableDirectory, "etc/passwd")));
    }

    [Fact]
    public async Task A_directory_whose_name_is_not_text_stays_editable()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Entry('5', [(byte)'d', 0xFF], mode: 0x1ED).Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(["/etc"], image.ReadOnlyMounts);
        Assert.Contains(fixture.Progress, line => line.Contains("not UTF-8", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("proc")]
    [InlineData("sys")]
    [InlineData("tmp")]
    [InlineData(".contingious")]
    public async Task B11_CVE_2026_47766_a_mount_target_that_is_a_symlink_or_a_file_becomes_an_empty_directory(string target)
    {
        foreach (var content in new[] { new TarBuilder().Symlink(target, "../../outside"), new TarBuilder().File(target, "x"), new TarBuilder() })
        {
            using var fixture = new ImportFixture();
            fixture.Layout.Layer(content.File("bin/tool").Build()).Build();
            var image = await fixture.ImportAsync();
            using var editable = DirectoryHandle.Open(image.EditableDirectory);
            Assert.Equal(FileKind.Directory, editable.TryStatus(TarBuilder.Bytes(target))?.Kind);
            Assert.Equal(target == "tmp" ? 0x3FFu : 0x1EDu, editable.TryStatus(TarBuilder.Bytes(target))?.Permissions);
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(image.EditableDirectory, target)));
            Assert.DoesNotContain("/" + target, image.ReadOnlyMounts);
            fixture.Scratch.AssertNothingLeftIt();
        }
    }

    [Theory]
    [InlineData("link")]
    [InlineData("link/below")]
    [InlineData("file")]
    public async Task B11_a_working_directory_behind_a_symlink_is_refused(string path)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = $$"""{"WorkingDir":"/{{path}}"}""";
        fixture.Layout.Layer(new TarBuilder().Symlink("link", "real").Directory("real/below").File("file").Build()).Build();
        await fixture.AssertRefusedAsync("working directory", ImportStage.Split);
    }

    [Theory]
    [InlineData("/proc/self/fd/7")]
    [InlineData("/proc/1/cwd")]
    [InlineData("/dev/fd/7")]
    [InlineData("proc/self/fd/7")]
    public async Task A9_A_working_directory_that_would_lead_to_an_open_file_is_refused(string path)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = "{\"WorkingDir\":\"" + path + "\"}";
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        await fixture.AssertRefusedAsync("working directory", ImportStage.Verify);
    }

    [Fact]
    public async Task A_working_directory_is_editable_whatever_the_rules_say()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = """{"WorkingDir":"/usr/src/app/"}""";
        fixture.Layout.Layer(new TarBuilder().File("usr/src/app/f").Directory("usr/lib").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal("/usr/src/app", image.Config.WorkingDir);
        Assert.Equal(["/etc", "/usr/lib"], image.ReadOnlyMounts);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"WorkingDir":"/"}""")]
    public async Task An_image_without_a_working_directory_gets_one(string config)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = config;
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal("/work", image.Config.WorkingDir);
        using var editable = DirectoryHandle.Open(image.EditableDirectory);
        var work = editable.TryStatus("work"u8);
        Assert.Equal((FileKind.Directory, 0x1EDu), (work?.Kind, work?.Permissions));
        if (Privileges.IsRoot) Assert.Equal((1000u, 1000u), (work?.Uid, work?.Gid));
    }

    [Fact]
    public async Task A_mount_target_cannot_be_made_read_only()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        var error = await Assert.ThrowsAsync<RejectedRequestException>(() => fixture.ImportAsync(editable: ["/opt"], readOnly: ["/proc"]));
        Assert.Contains("/proc", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(fixture.Scratch["staging"]));
    }
}
