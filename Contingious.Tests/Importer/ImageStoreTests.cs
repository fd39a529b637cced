using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class ImageStoreTests
{
    [Fact]
    public async Task An_imported_image_can_be_leased_by_name_tag_and_digest()
    {
        using var fixture = new ImportFixture();
        var digest = fixture.Layout.Layer(new TarBuilder().File("bin/tool", "x").Build()).Build();
        var image = await fixture.ImportAsync("course/task:v2", overrides: new ConfigOverrides { User = "student", Env = new Dictionary<string, string> { ["A"] = "b" } });
        Assert.Equal(digest, image.Digest);
        foreach (var name in new[] { "course/task:v2", digest.ToString() })
        {
            await using var lease = fixture.Store.Lease(name);
            Assert.Equal(image.EditableDirectory, lease.Image.EditableDirectory);
            Assert.Equal(image.ReadOnlyMounts, lease.Image.ReadOnlyMounts);
            Assert.Equal(("student", "b"), (lease.Image.Config.User, lease.Image.Config.Env["A"]));
            Assert.Equal(["course/task:v2"], lease.Image.Names.Select(known => known.ToString()));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
        Assert.Equal(digest, Assert.Single(fixture.Store.List()).Digest);
    }

    [Fact]
    public async Task A_missing_image_is_named_with_what_is_there_and_how_to_get_it()
    {
        using var fixture = new ImportFixture();
        Assert.Contains("No image is imported here yet", Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("alpine")).Message, StringComparison.Ordinal);
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        await fixture.ImportAsync("present");
        var error = Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("alpine:3"));
        Assert.Equal("alpine:3", error.Image);
        Assert.Equal("The image alpine:3 is not imported here. Imported are: present. 'contingious import alpine:3' imports it.", error.Message);
    }

    [Theory]
    [InlineData("../../etc")]
    [InlineData("names")]
    [InlineData("sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    public void A_name_that_is_none_is_unavailable(string name)
    {
        using var fixture = new ImportFixture();
        Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease(name));
    }

    [Fact]
    public async Task Publishing_a_digest_again_only_names_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var first = await fixture.ImportAsync("one");
        var inode = InodeOf(first);
        using var lease = fixture.Store.Lease("one");
        var second = await fixture.ImportAsync("two");
        Assert.Equal(["one", "two"], second.Names.Select(name => name.ToString()));
        Assert.Equal((inode, first.ImportedAt), (InodeOf(second), second.ImportedAt));
    }

    [Fact]
    public async Task A_digest_with_another_cut_replaces_the_old_one_when_nobody_uses_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/f").Build()).Build();
        await fixture.ImportAsync();
        using (fixture.Store.Lease("test"))
        {
            var error = await Assert.ThrowsAsync<ImportException>(() => fixture.ImportAsync(editable: ["/opt"]));
            Assert.Contains("in use", error.Message, StringComparison.Ordinal);
            Assert.Equal(["/etc", "/opt"], Assert.Single(fixture.Store.List()).ReadOnlyMounts);
        }

        var image = await fixture.ImportAsync(editable: ["/opt"]);
        Assert.Equal(["/etc"], image.ReadOnlyMounts);
        Assert.True(File.Exists(Path.Combine(image.EditableDirectory, "opt/f")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Fact]
    public async Task A_name_moves_to_a_new_digest_and_the_old_image_stays_for_who_leased_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f", "old").Build()).Build();
        await fixture.ImportAsync();
        using var lease = fixture.Store.Lease("test");
        new LayoutBuilder(fixture.Scratch["layout"]).Layer(new TarBuilder().File("f", "new").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.NotEqual(lease.Image.Digest, image.Digest);
        Assert.Equal("old", File.ReadAllText(Path.Combine(lease.Image.EditableDirectory, "f")));
        using var again = fixture.Store.Lease("test");
        Assert.Equal(image.Digest, again.Image.Digest);
        Assert.Equal(2, fixture.Store.List().Count);
    }

    [Fact]
    public async Task A_lease_is_a_shared_lock_and_giving_it_back_twice_is_harmless()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var path = Path.GetDirectoryName((await fixture.ImportAsync()).EditableDirectory)!;
        var (one, two) = (fixture.Store.Lease("test"), fixture.Store.Lease("test"));
        one.Dispose();
        Assert.Null(FileLock.TryExclusive(path));
        await two.DisposeAsync();
        await two.DisposeAsync();
        using var free = FileLock.TryExclusive(path);
        Assert.NotNull(free);
    }

    [Fact]
    public async Task B15_what_a_killed_import_left_is_removed_by_the_next_and_a_live_one_is_not()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        Directory.CreateDirectory(fixture.Scratch["staging/import-dead/image/editable/usr"]);
        Directory.CreateDirectory(fixture.Scratch["staging/import-live"]);
        using (FileLock.Shared(fixture.Scratch["staging/import-live"])) await fixture.ImportAsync();
        Assert.Equal(["import-live"], Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task B15_a_directory_that_is_not_a_whole_image_is_not_listed_and_is_replaced()
    {
        using var fixture = new ImportFixture();
        var digest = fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        Directory.CreateDirectory(fixture.Scratch[$"images/{digest.DirectoryName}/editable"]);
        Directory.CreateDirectory(fixture.Scratch["images/sha256-nonsense"]);
        Assert.Empty(fixture.Store.List());
        Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease(digest.ToString()));
        await fixture.ImportAsync();
        Assert.Equal(digest, Assert.Single(fixture.Store.List()).Digest);
    }

    [Fact]
    public async Task Leases_taken_while_images_are_swapped_always_see_a_whole_one()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/f").Build()).Build();
        await fixture.ImportAsync();
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            do
            {
                using var lease = fixture.Store.Lease("test");
                var isEditable = !lease.Image.ReadOnlyMounts.Contains("/opt");
                Assert.True(File.Exists(Path.Combine(isEditable ? lease.Image.EditableDirectory : lease.Image.ReadOnlyDirectory, "opt/f")));
            }
            while (!done.IsCancellationRequested);
        })).ToList();
        for (var i = 0; i < 30; i++)
        {
            // In use at this moment is a fair answer; nothing else is.
            var error = await Record.ExceptionAsync(() => fixture.ImportAsync(editable: i % 2 == 0 ? ["/opt"] : []));
            if (error is not null) Assert.Contains("in use", error.Message, StringComparison.Ordinal);
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
        Assert.Equal(["/etc"], (await fixture.ImportAsync(editable: ["/opt"])).ReadOnlyMounts);
    }

    [Fact]
    public async Task A_cancelled_import_leaves_nothing()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var request = new ImportRequest { Name = ImageReference.Parse("test"), Source = $"oci:{fixture.Scratch["layout"]}" };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Importer.ImportAsync(request, null, new CancellationToken(canceled: true)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
        Assert.Empty(fixture.Store.List());
    }

    private static ulong? InodeOf(Image image)
    {
        using var directory = DirectoryHandle.Open(image.EditableDirectory);
        return directory.Status().Inode;
    }
}
