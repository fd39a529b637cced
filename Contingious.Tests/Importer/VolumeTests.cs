using Contingious.Agent.Cli;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class VolumeTests
{
    [Fact]
    public async Task The_volumes_of_an_image_are_kept_sorted_and_are_real_directories()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = """{"Volumes":{"/var/lib/db/":{},"/data":{},"/data/./sub":{}}}""";
        fixture.Layout.Layer(new TarBuilder().File("var/lib/file").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(["/data", "/data/sub", "/var/lib/db"], image.Config.Volumes);
        foreach (var volume in image.Config.Volumes) Assert.Contains(new[] { image.EditableDirectory, image.ReadOnlyDirectory }, tree => Directory.Exists(tree + volume));
        Assert.Equal(image.Config.Volumes, Assert.Single(fixture.Store.List()).Config.Volumes);
    }

    [Fact]
    public async Task An_image_without_volumes_has_none()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = """{"Volumes":null}""";
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        Assert.Empty((await fixture.ImportAsync()).Config.Volumes);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("data")]
    [InlineData("/data/../etc")]
    [InlineData("/proc")]
    [InlineData("/proc/self")]
    [InlineData("/dev/shm")]
    [InlineData("/sys")]
    [InlineData("/.contingious")]
    [InlineData("/etc")]
    [InlineData("/etc/hosts")]
    [InlineData("/etc/passwd/below")]
    public async Task A_volume_where_every_sandbox_has_something_of_its_own_is_refused(string volume)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = "{\"Volumes\":{\"" + volume + "\":{}}}";
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        await fixture.AssertRefusedAsync("volume", ImportStage.Verify);
    }

    [Fact]
    public async Task More_volumes_than_anybody_needs_are_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = "{\"Volumes\":{" + string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"/v{i}\":{{}}")) + "}}";
        fixture.Layout.Layer(new TarBuilder().Directory("bin").Build()).Build();
        await fixture.AssertRefusedAsync("65 volumes", ImportStage.Verify);
    }

    [Fact]
    public async Task B11_a_volume_behind_a_symlink_is_left_out_with_a_warning()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = """{"Volumes":{"/link/below":{},"/link":{},"/real":{}}}""";
        fixture.Layout.Layer(new TarBuilder().Symlink("link", "../../outside").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(["/real"], image.Config.Volumes);
        Assert.Equal(2, fixture.Progress.Count(line => line.Contains("the volume /link", StringComparison.Ordinal)));
        fixture.Scratch.AssertNothingLeftIt();
    }

    [Fact]
    public void The_list_of_images_shows_them()
    {
        var listed = new ListedImage(["a"], "sha256:1", "ok", "", "sha256:0", 0, 0, 0, [], ["/data"], "", null);
        Assert.Contains("\"volumes\": [\n      \"/data\"", System.Text.Json.JsonSerializer.Serialize([listed], CliJson.Default.ListListedImage), StringComparison.Ordinal);
    }
}
