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
        }

        Assert.Equal(["course/task:v2"], image.Names.Select(known => known.ToString()));

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
    public async Task Another_cut_of_one_manifest_is_another_image_and_the_old_one_serves_who_leased_it()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/f").Build()).Build();
        var old = await fixture.ImportAsync();
        using var lease = fixture.Store.Lease("test");
        var image = await fixture.ImportAsync(editable: ["/opt"]);
        Assert.Equal((old.Digest, false), (image.Digest, image.Id == old.Id));
        Assert.Equal(["/etc"], image.ReadOnlyMounts);
        Assert.True(File.Exists(Path.Combine(image.EditableDirectory, "opt/f")));
        Assert.True(File.Exists(Path.Combine(lease.Image.ReadOnlyDirectory, "opt/f")));
        Assert.Equal([image.Id, old.Id], fixture.Store.List().Select(one => one.Id));
        Assert.Equal(["test"], Assert.Single(fixture.Store.List(), one => one.Names.Count > 0).Names.Select(name => name.ToString()));
    }

    [Fact]
    public async Task A_digest_is_an_id_first_and_else_a_manifest_s_of_which_a_named_image_comes_first_and_then_the_newest()
    {
        using var fixture = new ImportFixture();
        var manifest = fixture.Layout.Layer(new TarBuilder().File("opt/f").File("srv/f").Build()).Build();
        var images = new List<Image>();
        string[][] cuts = [["/opt"], ["/srv"], ["/opt", "/srv"]];
        foreach (var cut in cuts) images.Add(await fixture.ImportAsync(editable: cut));
        foreach (var image in images) Assert.Equal(image.Id, Leased(fixture, image.Id.ToString()));
        Assert.Equal(images[2].Id, Leased(fixture, manifest.ToString()));
        fixture.Store.Tag(images[0].Id.ToString(), ImageReference.Parse("other"));
        fixture.Store.Remove("test");
        Assert.Equal(images[0].Id, Leased(fixture, manifest.ToString()));
        fixture.Store.Remove("other");
        Assert.Equal(images[1].Id, Leased(fixture, manifest.ToString()));
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
        Assert.NotEqual(lease.Image.Id, image.Id);
        Assert.Equal("old", File.ReadAllText(Path.Combine(lease.Image.EditableDirectory, "f")));
        using var again = fixture.Store.Lease("test");
        Assert.Equal(image.Digest, again.Image.Digest);
        Assert.Equal(2, fixture.Store.List().Count);
    }

    [Fact]
    public async Task A_damaged_image_is_replaced_by_a_fresh_import_unless_it_is_in_use()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f", "good").Build()).Build();
        var file = Path.Combine((await fixture.ImportAsync()).EditableDirectory, "f");
        await File.WriteAllTextAsync(file, "bad", TestContext.Current.CancellationToken);
        var source = $"oci:{fixture.Scratch["layout"]}";
        using (fixture.Store.Lease("test"))
        {
            var error = await Assert.ThrowsAsync<ImportException>(() => fixture.ImportFromAsync(source, request => request with { NoLayerCache = true }));
            Assert.Contains("in use at the moment", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("bad", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        await fixture.ImportFromAsync(source, request => request with { NoLayerCache = true });
        Assert.Equal("good", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Fact]
    public async Task B14_paths_that_links_make_longer_than_any_program_can_open_are_refused()
    {
        using var fixture = new ImportFixture();
        var deep = string.Join('/', Enumerable.Repeat(new string('d', 200), 15));
        var tar = new TarBuilder().Pax(("path", TarBuilder.Bytes($"{deep}/f"))).File("f").Pax(("linkpath", TarBuilder.Bytes(deep))).Symlink("near", "x").Pax(("path", TarBuilder.Bytes($"near/{deep}/f"))).File("f");
        fixture.Layout.Layer(tar.Build()).Build();
        await fixture.AssertRefusedAsync("longer than 4095 bytes", ImportStage.Split);
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
        Directory.CreateDirectory(fixture.Scratch["staging/import-dead/image/rootfs/usr"]);
        Directory.CreateDirectory(fixture.Scratch["staging/import-live"]);
        using (FileLock.Shared(fixture.Scratch["staging/import-live"])) await fixture.ImportAsync();
        Assert.Equal(["import-live"], Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task B15_a_directory_that_is_not_a_whole_image_is_told_apart_and_replaced()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        File.Delete(Path.Combine(Path.GetDirectoryName(image.EditableDirectory)!, "image.json"));
        Directory.CreateDirectory(fixture.Scratch["images/sha256-nonsense"]);
        Assert.Empty(fixture.Store.List());
        var entry = Assert.Single(fixture.Store.Entries());
        Assert.Equal((image.Id, StoreFault.Damaged, "it has no image.json"), (entry.Id, entry.Fault, entry.Why));
        Assert.Contains("Import it again", Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("test")).Message, StringComparison.Ordinal);
        Assert.Equal(image.Id, (await fixture.ImportAsync()).Id);
        Assert.Equal(image.Id, Assert.Single(fixture.Store.List()).Id);
    }

    [Fact]
    public async Task Leases_taken_while_a_name_moves_to_and_fro_and_old_images_are_pruned_always_see_a_whole_one()
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
        var removed = 0;
        for (var i = 0; i < 30; i++)
        {
            await fixture.ImportAsync(editable: i % 2 == 0 ? ["/opt"] : []);
            removed += fixture.Store.Prune().Removed.Count;
        }

        await done.CancelAsync();
        await Task.WhenAll(readers);
        removed += fixture.Store.Prune().Removed.Count;
        Assert.InRange(removed, 1, 30);
        Assert.Equal([], Assert.Single(fixture.Store.List()).ReadOnlyMounts.Except(["/etc", "/opt"]));
        fixture.Store.Prune();
        Assert.Empty(Directory.EnumerateDirectories(fixture.Scratch["images"], ".trash-*"));
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

    private static Digest Leased(ImportFixture fixture, string name)
    {
        using var lease = fixture.Store.Lease(name);
        return lease.Image.Id;
    }

    private static ulong? InodeOf(Image image)
    {
        using var directory = DirectoryHandle.Open(image.EditableDirectory);
        return directory.Status().Inode;
    }
}
