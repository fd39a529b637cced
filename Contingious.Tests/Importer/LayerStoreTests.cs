using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

public sealed class LayerStoreTests : IDisposable
{
    private static readonly byte[] lower = new TarBuilder().Directory("d", mtime: 1000).File("d/one", "one").File("d/two", "two").HardLink("d/three", "d/two").Build();
    private static readonly byte[] upper = new TarBuilder().File("d/.wh.one").Pax(("SCHILY.xattr.user.test", [1, 2])).File("d/four", "four").Symlink("s", "d").File("s/five", "five").Build();

    private readonly ScratchDirectory scratch = new();
    private readonly BuiltRootfs built;

    public LayerStoreTests() => built = new BuiltRootfs(scratch);

    [Fact]
    public void A_layer_that_was_unpacked_once_is_never_unpacked_again()
    {
        var first = built.Build([lower, upper]);
        Assert.Equal([Digest.Of(lower), Digest.Of(upper)], built.Opened);
        var second = built.Build([lower, upper]);
        Assert.Empty(built.Opened);
        Assert.Equal(first.Listing, second.Listing);
        Assert.Equal((0, 2), (first.Unpacked.LayersFromStore, second.Unpacked.LayersFromStore));
        built.Build([lower, new TarBuilder().File("other").Build()]);
        Assert.Single(built.Opened);
    }

    [Fact]
    public void Random_images_come_out_of_the_store_as_they_went_in()
    {
        for (var seed = 10_000; seed < (Soak.IsAsked ? 12_000 : 10_060); seed++)
        {
            var image = new RandomImage(seed, anyOwner: Privileges.IsRoot);
            var first = built.Build(image.Layers);
            var second = built.Build(image.Layers);
            Assert.Equal(first.Listing, second.Listing);
            Assert.Equal(first.Unpacked.Report.Lines, second.Unpacked.Report.Lines);
            // The second of two equal layers is unpacked each time.
            Assert.Equal(image.Layers.Count - image.Layers.Select(layer => Digest.Of(layer)).Distinct().Count(), built.Opened.Count);
        }
    }

    [Fact]
    public void Files_of_a_stored_layer_are_not_copied_where_they_can_have_one_more_name()
    {
        built.Build([lower], scratch["first"]);
        built.Build([lower], scratch["second"]);
        Assert.Equal(HostPath.TryStatus(scratch["first/d/one"])!.Value.Inode, HostPath.TryStatus(scratch["second/d/one"])!.Value.Inode);
    }

    [Fact]
    public void On_another_file_system_they_are_copied()
    {
        Prerequisite.Require(Directory.Exists("/dev/shm") && HostPath.TryStatus("/dev/shm")!.Value.Device != HostPath.TryStatus(scratch.Root)!.Value.Device, "/dev/shm as another file system");
        var first = built.Build([lower, upper]);
        var there = Directory.CreateTempSubdirectory("ctg").FullName;
        var away = $"/dev/shm/{Path.GetFileName(there)}";
        try
        {
            var second = built.Build([lower, upper], away);
            Assert.Empty(built.Opened);
            // A tmpfs has no user.* before Linux 6.6.
            Assert.Equal(first.Listing.Select(line => line.Replace(" \u0001\u0002", "", StringComparison.Ordinal)), second.Listing.Select(line => line.Replace(" \u0001\u0002", "", StringComparison.Ordinal)));
        }
        finally
        {
            Directory.Delete(there);
            Directory.Delete(away, recursive: true);
        }
    }

    [Theory]
    [InlineData("entries", -1)]
    [InlineData("entries", 0)]
    [InlineData("entries", 30)]
    [InlineData("files/0/0", 0)]
    [InlineData("files/0/1", -1)]
    [InlineData("files/0", -2)]
    public void What_is_damaged_is_unpacked_and_stored_anew(string file, int keptBytes)
    {
        var first = built.Build([lower, upper]);
        var path = scratch[$"layers/{Digest.Of(lower).DirectoryName}/{file}"];
        if (keptBytes == -2) Directory.Delete(path, recursive: true);
        else if (keptBytes == -1) File.Delete(path);
        else using (var cut = new FileStream(path, FileMode.Open)) cut.SetLength(keptBytes);
        if (keptBytes >= 0 && file != "entries") Assert.Equal(0, new FileInfo(path).Length);

        Assert.Equal(first.Listing, built.Build([lower, upper]).Listing);
        Assert.Contains(Digest.Of(lower), built.Opened);
        Assert.Equal(first.Listing, built.Build([lower, upper]).Listing);
        Assert.Empty(built.Opened);
    }

    [Fact]
    public void A_log_with_any_byte_changed_is_not_used()
    {
        built.Build([lower]);
        var path = scratch[$"layers/{Digest.Of(lower).DirectoryName}/entries"];
        var content = File.ReadAllBytes(path);
        for (var i = 0; i < content.Length; i++)
        {
            content[i] ^= 0x10;
            File.WriteAllBytes(path, content);
            content[i] ^= 0x10;
            built.Build([lower]);
            Assert.Single(built.Opened);
            Assert.Equal(content, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void Files_that_belong_to_other_ids_are_not_used()
    {
        Privileges.NeedRoot();
        built.Build([lower]);
        var others = new BuiltRootfs(scratch) { KeepOwners = false };
        others.Build([lower]);
        Assert.Single(others.Opened);
    }

    [Fact]
    public void Without_the_cache_every_layer_is_unpacked_and_stored_anew()
    {
        built.Build([lower]);
        var path = scratch[$"layers/{Digest.Of(lower).DirectoryName}"];
        var before = HostPath.TryStatus(path)!.Value.Inode;
        built.Build([lower], usesStored: false);
        Assert.Single(built.Opened);
        Assert.NotEqual(before, HostPath.TryStatus(path)!.Value.Inode);
        built.Build([lower]);
        Assert.Empty(built.Opened);
    }

    [Fact]
    public void A_layer_that_is_not_what_its_diff_id_says_is_not_stored()
    {
        var lie = new TarBuilder().File("x", "truth").Build();
        var digest = Digest.Of(lie);
        Assert.Throws<Contingious.Importer.InvalidImageException>(() => built.Build([lower, lie], corrupt: digest));
        Assert.Empty(built.Store.List());
    }

    [Fact]
    public void What_no_image_has_is_removed_unless_it_is_read()
    {
        built.Build([lower, upper]);
        var third = new TarBuilder().File("x").Build();
        built.Build([third]);
        using (built.Store.TryOpen(Digest.Of(upper)))
        {
            Assert.Equal([Digest.Of(third)], built.Store.RemoveUnreferenced(new HashSet<Digest> { Digest.Of(lower) }));
            Assert.Equal(new[] { Digest.Of(lower), Digest.Of(upper) }.OrderBy(digest => digest.Hex, StringComparer.Ordinal), built.Store.List());
        }

        Directory.CreateDirectory(scratch["layers/.removing-left-by-a-killed-one/files/0"]);
        Assert.Equal([Digest.Of(upper)], built.Store.RemoveUnreferenced(new HashSet<Digest> { Digest.Of(lower) }));
        Assert.Equal([Digest.Of(lower).DirectoryName], Directory.EnumerateFileSystemEntries(scratch["layers"]).Select(Path.GetFileName));
        Assert.Null(built.Store.TryOpen(Digest.Of(upper)));
        Assert.False(built.Store.Remove(Digest.Of(upper)));
    }

    public void Dispose() => scratch.Dispose();
}
