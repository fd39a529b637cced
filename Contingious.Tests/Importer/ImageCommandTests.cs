using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary><c>contingious image …</c> on a real store.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ImageCommandTests(EngineFixture fixture)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mounted_image_is_put_together_is_kept_while_it_is_mounted_and_takes_what_is_written_away(bool writable)
    {
        using var layout = await ImportAsync();
        var (store, name) = (Store, layout.Name.ToString());
        var place = Directory.CreateDirectory(layout.Scratch["place"]).FullName;
        try
        {
            foreach (var at in new[] { null, place })
            {
                var path = (await OkAsync([.. new[] { "image", "mount", name, at, writable ? "--writable" : null }.OfType<string>()])).Trim();
                if (at is not null) Assert.Equal(at, path);
                foreach (var file in new[] { $"{path}/opt/version", $"{path}/work/version" })
                {
                    Assert.Equal("one", File.ReadAllText(file));
                    if (writable) File.WriteAllText(file, "two");
                    else Assert.Contains("Read-only", Assert.ThrowsAny<IOException>(() => File.WriteAllText(file, "two")).Message, StringComparison.Ordinal);
                    Assert.Equal(writable ? "two" : "one", File.ReadAllText(file));
                }

                var listed = JsonDocument.Parse(await OkAsync("image", "mount", "--json")).RootElement.EnumerateArray().Single(mount => mount.GetProperty("path").GetString() == path);
                Assert.Equal((name, writable), (listed.GetProperty("name").GetString(), listed.GetProperty("writable").GetBoolean()));
                if (at is not null) Assert.Contains("not empty", await RefusedAsync("image", "mount", name, at), StringComparison.Ordinal);
                store.Tag(name, ImageReference.Parse($"{name}-also"));
                Assert.Contains("it is mounted", await OkAsync("image", "rm", name, $"{name}-also"), StringComparison.Ordinal);
                Assert.Contains("it is in use", await OkAsync("image", "prune"), StringComparison.Ordinal);
                Assert.Contains(path, await OkAsync("image", "umount", at ?? name), StringComparison.Ordinal);
                if (at is not null) Assert.Empty(Directory.EnumerateFileSystemEntries(at));
                Assert.Equal("one", File.ReadAllText($"{store.Entries().Single(entry => entry.Id == layoutId).Image!.EditableDirectory}/work/version"));
                store.Tag(layoutId.ToString(), layout.Name);
            }

            Assert.Contains("intact", await OkAsync("image", "verify", name), StringComparison.Ordinal);
            Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(layoutId.DirectoryName, StringComparison.Ordinal));
        }
        finally
        {
            layout.RemoveFrom(store);
        }
    }

    [Fact]
    public async Task Only_what_was_mounted_by_us_is_unmounted_and_only_an_empty_directory_is_mounted_on()
    {
        using var layout = await ImportAsync();
        try
        {
            foreach (var other in new[] { "/proc", fixture.Layout.PrivateDirectory, fixture.Layout.ImagesView }) Assert.Contains("No image is mounted", await RefusedAsync("image", "umount", other), StringComparison.Ordinal);
            Assert.Contains("is not empty", await RefusedAsync("image", "mount", layout.Name.ToString(), "/etc"), StringComparison.Ordinal);
            Assert.Contains("is not a directory", await RefusedAsync("image", "mount", layout.Name.ToString(), "/etc/passwd"), StringComparison.Ordinal);
        }
        finally
        {
            layout.RemoveFrom(Store);
        }
    }

    [Fact]
    public async Task What_a_command_says_of_an_image_is_what_is_there()
    {
        using var layout = await ImportAsync();
        var (store, name) = (Store, layout.Name.ToString());
        try
        {
            var shown = JsonDocument.Parse(await OkAsync("image", "inspect", layoutId.Short, "--json")).RootElement;
            Assert.Equal((layoutId.ToString(), "ok", "editable /work", "linux/amd64"), (shown.GetProperty("id").GetString(), shown.GetProperty("state").GetString(), shown.GetProperty("split_rules")[0].GetString(), shown.GetProperty("platform").GetString()));
            Assert.Contains($"id             {layoutId}", await OkAsync("image", "inspect", name), StringComparison.Ordinal);
            Assert.Equal($"{name}:v2: {layoutId}\n", await OkAsync("image", "tag", name, $"{name}:v2"));
            foreach (var list in new string[][] { ["images"], ["image", "ls"] }) Assert.Matches($@"(?m)^{name}, {name}:v2 +{layoutId.Short} ", await OkAsync(list));
            Assert.Equal("one", (await Cli.RunAsync("run", layoutId.Short, "--", "cat", "/opt/version")).Stdout);
            Assert.Contains(JsonDocument.Parse(await OkAsync("images", "--json")).RootElement.EnumerateArray(), image => image.GetProperty("id").GetString() == layoutId.ToString());
            Assert.Equal($"removed the name {name}:v2\nkept {layoutId}: it is also called {name}\n", await OkAsync("image", "rm", $"{name}:v2"));
            File.WriteAllText($"{store.DirectoryOf(layoutId)}/ro-rootfs/opt/version", "two");
            var verified = await Cli.RunAsync("image", "verify", name);
            Assert.Equal(1, verified.ExitCode);
            Assert.Contains("ro-rootfs/opt/version: other content of the same length\n", verified.Stdout, StringComparison.Ordinal);
            Assert.Equal(1, (await Cli.RunAsync("image", "verify", "--all", "--json")).ExitCode);
            Assert.Equal($"removed the name {name}\nremoved {layoutId}\n", await OkAsync("image", "rm", name));
            Assert.Contains("is not imported here", await RefusedAsync("image", "inspect", name), StringComparison.Ordinal);
            Assert.Contains("90m", (await Cli.RunAsync("image", "prune", "--older-than", "soon")).Stderr, StringComparison.Ordinal);
        }
        finally
        {
            layout.RemoveFrom(store);
        }
    }

    private Digest layoutId;

    private ImageStore Store => new(fixture.Layout.ImagesDirectory);

    private async Task<BusyboxLayout> ImportAsync()
    {
        await fixture.EngineAsync();
        var layout = new BusyboxLayout();
        layoutId = (await new ImageImporter(Store, fixture.Layout.StagingDirectory).ImportAsync(layout.Request(layout.Write("one")), null, TestContext.Current.CancellationToken)).Id;
        return layout;
    }

    private static async Task<string> OkAsync(params string[] args)
    {
        var result = await Cli.RunAsync(args);
        Assert.Equal((0, ""), (result.ExitCode, result.ExitCode == 0 ? "" : result.Stderr));
        return result.Stdout;
    }

    private static async Task<string> RefusedAsync(params string[] args)
    {
        var result = await Cli.RunAsync(args);
        Assert.Equal(125, result.ExitCode);
        return result.Stderr;
    }
}
