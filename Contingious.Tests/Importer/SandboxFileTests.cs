using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>The files that every sandbox has its own of are regular files of every image.</summary>
public sealed class SandboxFileTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_an_image_lacks_is_made(bool editable)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("etc/passwd", "root:x:0:0::/:/bin/sh\n", mode: 0x180).Build()).Build();
        var image = await fixture.ImportAsync(editable: editable ? ["/etc"] : ["/home"]);
        var tree = editable ? image.EditableDirectory : image.ReadOnlyDirectory;
        using var etc = DirectoryHandle.Open($"{tree}/etc");
        foreach (var path in RootfsSplit.SandboxFiles) Assert.Equal(FileKind.Regular, etc.TryStatus(TarBuilder.Bytes(Path.GetFileName(path)))?.Kind);
        Assert.Equal("root:x:0:0::/:/bin/sh\n", File.ReadAllText($"{tree}/etc/passwd"));
        Assert.Equal(0x180u, etc.TryStatus("passwd"u8)?.Permissions);
        Assert.Equal((0x1A4u, 0L), (etc.TryStatus("hosts"u8)?.Permissions, etc.TryStatus("hosts"u8)?.Size));
        Assert.DoesNotContain(fixture.Progress, line => line.Contains("warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task B9_CVE_2024_9676_A_link_is_replaced_by_what_it_points_to_within_the_image()
    {
        using var fixture = new ImportFixture();
        File.WriteAllText(fixture.Scratch["secret"], "secret");
        fixture.Layout.Layer(new TarBuilder().Directory("etc").Directory("usr").File("usr/passwd", "inside")
            .Symlink("etc/passwd", "/usr/passwd").Symlink("etc/group", fixture.Scratch["secret"]).Symlink("etc/hosts", "hosts").Symlink("etc/hostname", "../../../../../../usr/passwd").Directory("etc/resolv.conf").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(["", "inside", "", "inside", ""], RootfsSplit.SandboxFiles.Select(path => File.ReadAllText(image.ReadOnlyDirectory + path)));
        using var etc = DirectoryHandle.Open($"{image.ReadOnlyDirectory}/etc");
        foreach (var path in RootfsSplit.SandboxFiles) Assert.Equal(FileKind.Regular, etc.TryStatus(TarBuilder.Bytes(Path.GetFileName(path)))?.Kind);
        Assert.Equal(5, fixture.Progress.Count(line => line.Contains("is replaced by", StringComparison.Ordinal)));
        fixture.Scratch.AssertNothingLeftIt();
    }

    [Fact]
    public async Task B9_An_etc_that_leads_out_becomes_a_directory_of_its_own()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Symlink("etc", "../../outside").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(["/etc"], image.ReadOnlyMounts);
        Assert.Equal(5, Directory.EnumerateFiles($"{image.ReadOnlyDirectory}/etc").Count());
        fixture.Scratch.AssertNothingLeftIt();
    }
}
