using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class ImageRemovalTests
{
    [Fact]
    public async Task A_name_can_be_added_moved_and_removed_and_the_last_one_takes_the_image_along()
    {
        using var fixture = new ImportFixture();
        var (old, current) = await TwoVersionsAsync(fixture);
        Assert.Equal(["kept", "test"], fixture.Store.Tag("test", ImageReference.Parse("kept")).Names.Select(name => name.ToString()));
        Assert.Equal(["kept"], fixture.Store.Tag(old.Id.ToString(), ImageReference.Parse("test")).Names.Count > 0 ? NamesOf(fixture, current.Id) : []);
        Assert.Equal((false, "it is also called again"), Said(fixture.Store.Tag("kept", ImageReference.Parse("again")).Names.Count == 2 ? fixture.Store.Remove("kept") : null));
        Assert.Equal((true, ""), Said(fixture.Store.Remove("again")));
        Assert.Equal([old.Id], fixture.Store.List().Select(image => image.Id));
        Assert.False(Directory.Exists(fixture.Store.DirectoryOf(current.Id)));
        Assert.Empty(Directory.EnumerateDirectories(fixture.Scratch["images"], ".trash-*"));
    }

    [Fact]
    public async Task An_image_in_use_loses_its_name_and_is_pruned_when_it_is_free()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        using (fixture.Store.Lease("test"))
        {
            Assert.Equal((false, "it is in use"), Said(fixture.Store.Remove("test")));
            Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("test"));
            Assert.Contains("in use", Assert.Throws<ContingiousException>(() => fixture.Store.Remove(image.Id.ToString())).Message, StringComparison.Ordinal);
            var report = fixture.Store.Prune();
            Assert.Empty(report.Removed);
            Assert.Equal([image.Id], report.InUse.Select(entry => entry.Id));
            Assert.Equal(image.DiffIds, report.DiffIdsInUse.ToList());
            Assert.True(File.Exists(Path.Combine(image.EditableDirectory, "f")));
        }

        Assert.Equal([image.Id], fixture.Store.Prune().Removed.Select(entry => entry.Id));
        Assert.Empty(fixture.Store.Entries());
    }

    [Fact]
    public async Task Pruning_spares_named_images_and_those_that_are_young_and_says_which_layers_are_still_used()
    {
        using var fixture = new ImportFixture();
        var (old, current) = await TwoVersionsAsync(fixture);
        Assert.Empty(fixture.Store.Prune(old.ImportedAt.AddSeconds(-1)).Removed);
        var report = fixture.Store.Prune(old.ImportedAt);
        Assert.Equal([old.Id], report.Removed.Select(entry => entry.Id));
        Assert.Equal(current.DiffIds, report.DiffIdsInUse.ToList());
        Assert.Equal([current.Id], fixture.Store.List().Select(image => image.Id));
    }

    [Fact]
    public async Task An_image_with_several_names_is_not_removed_by_its_id()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync("one");
        await fixture.ImportAsync("two");
        Assert.Contains("one, two", Assert.Throws<ContingiousException>(() => fixture.Store.Remove(image.Id.Short)).Message, StringComparison.Ordinal);
        Assert.Equal(["one", "two"], NamesOf(fixture, image.Id));
    }

    [Fact]
    public async Task Twelve_digits_are_enough_for_a_person_and_too_few_or_ambiguous_ones_are_refused()
    {
        using var fixture = new ImportFixture();
        var (old, current) = await TwoVersionsAsync(fixture);
        Assert.Equal(old.Id, fixture.Store.Find(old.Id.Hex[..12]).Id);
        Assert.Equal(current.Id, fixture.Store.Find($"sha256:{current.Id.Hex[..20]}").Id);
        Assert.Equal(current.Id, fixture.Store.Find(current.Digest.Hex[..12]).Id);
        Assert.Equal(current.Id.ToString(), fixture.Store.Spell(current.Id.Short));
        Assert.Equal("test", fixture.Store.Spell("test"));
        Assert.Throws<ImageUnavailableException>(() => fixture.Store.Find(old.Id.Hex[..11]));
        Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease(old.Id.Hex[..12]));
        var cut = await fixture.ImportAsync("cut", editable: ["/opt"]);
        Assert.Contains("2 images", Assert.Throws<ImageUnavailableException>(() => fixture.Store.Find(cut.Digest.Hex[..12])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_of_an_earlier_importer_is_not_used_and_can_be_removed_and_imported_again()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        Rewrite(image, record => record["revision"] = 1);
        var error = Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("test"));
        Assert.StartsWith("The image test cannot be used: it was imported by an earlier version of contingious. Import it again ('contingious import test')", error.Message, StringComparison.Ordinal);
        Assert.Equal(StoreFault.Outdated, Assert.Single(fixture.Store.Entries()).Fault);
        Assert.Equal((true, ""), Said(fixture.Store.Remove("test")));
        Assert.Empty(fixture.Store.Entries());
        Assert.Equal(image.Id, (await fixture.ImportAsync()).Id);
    }

    [Fact]
    public async Task B15_what_a_killed_removal_and_a_killed_naming_left_is_swept_by_the_next_change()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        Directory.CreateDirectory(fixture.Scratch["images/.trash-dead/rootfs/usr"]);
        Directory.CreateDirectory(fixture.Scratch["images/.trash-live"]);
        File.WriteAllText(fixture.Scratch["images/names/.half"], "sha256:");
        using (FileLock.TryExclusive(fixture.Scratch["images/.trash-live"]))
        {
            Assert.Equal([image.Id], fixture.Store.Entries().Select(entry => entry.Id));
            fixture.Store.Prune();
            Assert.Equal([".trash-live"], Directory.EnumerateDirectories(fixture.Scratch["images"], ".trash-*").Select(Path.GetFileName));
        }

        Assert.Equal(["test@latest"], Directory.EnumerateFiles(fixture.Scratch["images/names"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_name_of_an_image_that_is_gone_says_so_and_can_be_removed()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        Directory.Delete(fixture.Store.DirectoryOf(image.Id), recursive: true);
        Assert.Equal(StoreFault.Missing, Assert.Single(fixture.Store.Entries()).Fault);
        Assert.Contains("its directory is not there", Assert.Throws<ImageUnavailableException>(() => fixture.Store.Lease("test")).Message, StringComparison.Ordinal);
        fixture.Store.Remove("test");
        Assert.Empty(fixture.Store.Entries());
    }

    [Fact]
    public async Task Two_imports_of_the_same_name_at_once_both_succeed_and_the_name_means_one_of_them()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/f").Build()).Build();
        for (var i = 0; i < 10; i++)
        {
            var images = await Task.WhenAll(Task.Run(() => fixture.ImportAsync()), Task.Run(() => fixture.ImportAsync(editable: ["/opt"])), Task.Run(() => fixture.ImportAsync()));
            Assert.Equal(images[0].Id, images[2].Id);
            var named = Assert.Single(fixture.Store.Entries(), entry => entry.Names.Count > 0);
            Assert.Contains(named.Id, images.Select(image => image.Id));
            Assert.Equal(2, fixture.Store.List().Count);
            foreach (var image in fixture.Store.List()) Assert.Equal([], (await ImageVerification.OfAsync(image, TestContext.Current.CancellationToken)).Differences);
            Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
            fixture.Store.Remove("test");
            fixture.Store.Prune();
            Assert.Empty(fixture.Store.Entries());
        }
    }

    [Fact]
    public async Task Removals_and_leases_at_once_end_in_a_whole_image_or_in_none()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/f").Build()).Build();
        var (leased, refused) = (0, 0);
        for (var i = 0; i < 30; i++)
        {
            await fixture.ImportAsync();
            var user = Task.Run(() =>
            {
                try
                {
                    using var lease = fixture.Store.Lease("test");
                    Assert.True(File.Exists(Path.Combine(lease.Image.ReadOnlyDirectory, "opt/f")));
                    leased++;
                }
                catch (ImageUnavailableException)
                {
                    refused++;
                }
            });
            var removal = fixture.Store.Remove("test");
            await user;
            Assert.Equal(removal.IsImageRemoved, !Directory.Exists(fixture.Store.DirectoryOf(removal.Id)));
        }

        Assert.Equal(30, leased + refused);
    }

    internal static void Rewrite(Image image, Action<JsonObject> change)
    {
        var path = Path.Combine(Path.GetDirectoryName(image.EditableDirectory)!, "image.json");
        var record = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(record);
        File.WriteAllText(path, record.ToJsonString());
    }

    private static async Task<(Image Old, Image Current)> TwoVersionsAsync(ImportFixture fixture)
    {
        fixture.Layout.Layer(new TarBuilder().File("f", "old").Build()).Build();
        var old = await fixture.ImportAsync();
        new LayoutBuilder(fixture.Scratch["layout"]).Layer(new TarBuilder().File("f", "new").Directory("opt").Build()).Build();
        return (old, await fixture.ImportAsync());
    }

    private static (bool IsRemoved, string Why) Said(ImageRemoval? removal) => (removal!.IsImageRemoved, removal.KeptBecause);

    private static IEnumerable<string> NamesOf(ImportFixture fixture, Digest id) => fixture.Store.Find(id.ToString()).Names.Select(name => name.ToString());
}
