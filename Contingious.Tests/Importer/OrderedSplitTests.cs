using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Splitting;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>What ordered rules make of a real tree.</summary>
public sealed class OrderedSplitTests
{
    [Fact]
    public async Task A_pattern_breaks_up_only_the_directories_where_something_matches_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("usr").Directory("usr/lib").Directory("usr/lib/python3").Directory("usr/lib/python3/__pycache__").File("usr/lib/python3/a.py").File("usr/lib/python3/__pycache__/a.pyc")
            .Directory("usr/lib/other").File("usr/lib/other/f").Directory("usr/share").File("usr/share/f").Directory("opt").File("opt/f").Build()).Build();
        var image = await ImportAsync(fixture, "editable /**/__pycache__");
        Assert.Equal(["/etc", "/opt", "/usr/lib/other", "/usr/share"], image.ReadOnlyMounts);
        Assert.True(File.Exists($"{image.EditableDirectory}/usr/lib/python3/__pycache__/a.pyc"));
    }

    [Fact]
    public async Task A_pattern_that_matches_nothing_leaves_whole_trees_read_only()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("usr").Directory("usr/lib").File("usr/lib/f").File("usr/f").Build()).Build();
        Assert.Equal(["/etc", "/usr"], (await ImportAsync(fixture, "editable /**/__pycache__", "editable /usr/*/deep/*")).ReadOnlyMounts);
    }

    [Fact]
    public async Task A_file_that_a_rule_names_moves_to_the_read_only_tree_and_leaves_an_empty_one()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("srv", mtime: 1_234).File("srv/big.db", new string('x', 9000), mode: 0x1A0, mtime: 77).File("srv/own", "y").Directory("srv/d").File("srv/d/own", "z").Symlink("srv/link.db", "big.db").Build()).Build();
        var image = await ImportAsync(fixture, "editable /srv", "readonly /srv/*.db");
        Assert.Equal(["/etc", "/srv/big.db"], image.ReadOnlyMounts);
        Assert.Equal(["/srv/big.db"], image.ReadOnlyFiles);
        Assert.Equal(9000, new FileInfo($"{image.ReadOnlyDirectory}/srv/big.db").Length);
        using var srv = DirectoryHandle.Open($"{image.EditableDirectory}/srv");
        Assert.Equal((FileKind.Regular, 0x1A0u, 0L, 77L), srv.TryStatus("big.db"u8) is { } point ? (point.Kind, point.Permissions, point.Size, point.ModifySeconds) : default);
        Assert.Equal(FileKind.Symlink, srv.TryStatus("link.db"u8)?.Kind);
        Assert.Equal(1_234, srv.Status().ModifySeconds);
        Assert.Equal(["/srv/big.db"], Assert.Single(fixture.Store.List()).ReadOnlyFiles);
    }

    [Fact]
    public async Task A_file_that_every_sandbox_has_its_own_of_is_never_cut_out()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("etc").File("etc/passwd", "root:x:0:0::/:/bin/sh\n").File("etc/other").Build()).Build();
        Assert.Equal(["/etc/other"], (await ImportAsync(fixture, "editable /etc", "readonly /etc/*")).ReadOnlyMounts);
    }

    [Fact]
    public async Task A_file_in_a_read_only_directory_can_be_editable_and_its_neighbours_are_copied_with_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("opt").File("opt/state").File("opt/tool").Directory("opt/lib").File("opt/lib/f").Build()).Build();
        var image = await ImportAsync(fixture, "editable /opt/state");
        Assert.Equal(["/etc", "/opt/lib"], image.ReadOnlyMounts);
        Assert.True(File.Exists($"{image.EditableDirectory}/opt/tool"));
    }

    [Fact]
    public async Task A_rule_of_the_command_line_comes_behind_those_of_the_recipe()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("home").Directory("home/s").Directory("home/s/.cache").File("home/s/.cache/f").Build()).Build();
        var image = await fixture.Importer.ImportAsync(
            new ImportRequest { Name = ImageReference.Parse("test"), Source = $"oci:{fixture.Scratch["layout"]}", FurtherRules = [SplitRule.Parse("readonly /home/**/.cache")] }, null, TestContext.Current.CancellationToken);
        Assert.Equal(["/etc", "/home/s/.cache"], image.ReadOnlyMounts);
    }

    [Fact]
    public async Task Both_forms_at_once_are_refused_before_anything_is_fetched()
    {
        using var fixture = new ImportFixture();
        var request = new ImportRequest { Name = ImageReference.Parse("test"), Source = $"oci:{fixture.Scratch["layout"]}", Split = ["editable /a"], Editable = ["/b"] };
        var error = await Assert.ThrowsAsync<RejectedRequestException>(() => fixture.Importer.ImportAsync(request, null, TestContext.Current.CancellationToken));
        Assert.Equal("split", error.Field);
        Assert.False(Directory.Exists(fixture.Scratch["staging"]));
    }

    [Fact]
    public async Task A_rule_that_is_wrong_is_named_by_its_place()
    {
        using var fixture = new ImportFixture();
        Assert.Equal("split[1]", (await Assert.ThrowsAsync<RejectedRequestException>(() => ImportAsync(fixture, "editable /a", "editable b"))).Field);
    }

    [Fact]
    public void More_pieces_than_there_may_be_mounts_leave_the_smallest_editable()
    {
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["readonly"]);
        Directory.CreateDirectory(scratch["editable/etc"]);
        for (var i = 0; i < 10; i++)
        {
            Directory.CreateDirectory(scratch[$"editable/d/n{i}"]);
            File.WriteAllBytes(scratch[$"editable/d/n{i}/f"], new byte[i * 100_000]);
        }

        using var editable = DirectoryHandle.Open(scratch["editable"]);
        using var readOnly = DirectoryHandle.Open(scratch["readonly"]);
        var warnings = new List<string>();
        var split = new RootfsSplit([SplitRule.Parse("editable /"), SplitRule.Parse("readonly /d/*")]);
        var cut = new RootfsCutter(split, editable, readOnly, warnings) { Most = 3 }.Cut();
        Assert.Equal(["/d/n7", "/d/n8", "/d/n9"], cut.Mounts);
        Assert.Equal(600_000, new FileInfo(scratch["editable/d/n6/f"]).Length);
        Assert.Contains("10 pieces", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_below_a_directory_whose_name_is_no_text_is_cut_out()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Entry('5', [(byte)'d', 0xFF], mode: 0x1ED).Entry('5', [(byte)'d', 0xFF, (byte)'/', (byte)'a'], mode: 0x1ED).Entry('5', [(byte)'d', 0xFF, (byte)'/', (byte)'b'], mode: 0x1ED).Build()).Build();
        var image = await ImportAsync(fixture, "editable /*/a");
        Assert.Equal(["/etc"], image.ReadOnlyMounts);
        Assert.Single(fixture.Progress, line => line.Contains("not UTF-8", StringComparison.Ordinal));
    }

    private static Task<Image> ImportAsync(ImportFixture fixture, params string[] split) => fixture.Importer.ImportAsync(
        new ImportRequest { Name = ImageReference.Parse("test"), Source = $"oci:{fixture.Scratch["layout"]}", Split = split },
        new ImportFixture.Sink(fixture.Progress),
        TestContext.Current.CancellationToken);
}
