using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>What the trees of an image share with the layer store and with each other.</summary>
public sealed class UnsharingTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    private static TarBuilder Layer => new TarBuilder()
        .Directory("usr/lib").File("usr/lib/shared", "shared").File("usr/lib/alone", "alone")
        .Directory("home", mtime: 1234)
        .Pax(("SCHILY.xattr.user.test", [7])).File("home/first", "linked", mode: 0x1A0, uid: Privileges.IsRoot ? 1000 : 0, mtime: 4321)
        .HardLink("home/second", "home/first").HardLink("home/third", "home/first")
        .HardLink("home/across", "usr/lib/shared").HardLink("home/across-again", "usr/lib/shared");

    [Fact]
    public async Task No_file_of_the_editable_tree_is_a_file_of_anything_else()
    {
        var (image, progress) = await ImportAsync("one");
        Assert.Equal(["/usr/lib"], image.ReadOnlyMounts.Where(mount => mount.StartsWith("/usr", StringComparison.Ordinal)).Select(mount => mount == "/usr" ? "/usr/lib" : mount));
        var editable = Inodes(image.EditableDirectory);
        Assert.Empty(editable.Intersect(Inodes(image.ReadOnlyDirectory)));
        Assert.Empty(editable.Intersect(Inodes(scratch["layers"])));
        Assert.Contains(progress, line => line.Contains("1 files with names in both", StringComparison.Ordinal) && line.Contains("/usr/lib/shared", StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["staging"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Hard_links_within_the_editable_tree_stay_and_so_does_everything_that_a_file_has(bool withStore)
    {
        var (image, _) = await ImportAsync("one", withStore: withStore);
        var home = HostPath.TryStatus($"{image.EditableDirectory}/home")!.Value;
        var first = HostPath.TryStatus($"{image.EditableDirectory}/home/first")!.Value;
        Assert.Equal(1234, home.ModifySeconds);
        Assert.Equal((3u, 0x1A0u, 4321L, Privileges.IsRoot ? 1000u : first.Uid), (first.LinkCount, first.Permissions, first.ModifySeconds, first.Uid));
        Assert.Equal(2u, HostPath.TryStatus($"{image.EditableDirectory}/home/across")!.Value.LinkCount);
        Assert.Equal("linked", await File.ReadAllTextAsync($"{image.EditableDirectory}/home/third"));
        Assert.Equal("shared", await File.ReadAllTextAsync($"{image.EditableDirectory}/home/across"));
        using var directory = DirectoryHandle.Open($"{image.EditableDirectory}/home");
        using var file = directory.OpenRead("second"u8);
        Assert.Equal([7], FileXattrs.TryGet(file, "user.test"u8)!);
        Assert.True(image.EditableXattrs);
    }

    [Fact]
    public async Task A_second_image_shares_its_read_only_files_with_the_first()
    {
        var (first, _) = await ImportAsync("one");
        var (second, progress) = await ImportAsync("two", new TarBuilder().File("home/more").Build());
        Assert.NotEqual(first.Digest, second.Digest);
        Assert.Contains(progress, line => line.Contains("known from an earlier import", StringComparison.Ordinal));
        Assert.Equal(Inode(first, "alone"), Inode(second, "alone"));
        Assert.Empty(Inodes(first.EditableDirectory).Intersect(Inodes(second.EditableDirectory)));
        var (third, told) = await ImportAsync("three", new TarBuilder().File("home/third").Build(), noLayerCache: true);
        Assert.DoesNotContain(told, line => line.Contains("known from an earlier import", StringComparison.Ordinal));
        Assert.NotEqual(Inode(first, "alone"), Inode(third, "alone"));
    }

    public void Dispose() => scratch.Dispose();

    private static ulong Inode(Image image, string name) =>
        new[] { image.ReadOnlyDirectory, image.EditableDirectory }.Select(tree => HostPath.TryStatus($"{tree}/usr/lib/{name}")).OfType<FileStatus>().First().Inode;

    private async Task<(Image Image, List<string> Progress)> ImportAsync(string name, byte[]? upper = null, bool noLayerCache = false, bool withStore = true)
    {
        Directory.CreateDirectory(scratch[$"layout-{name}"]);
        var layout = new LayoutBuilder(scratch[$"layout-{name}"]).Layer(Layer.Build());
        if (upper is not null) layout.Layer(upper);
        layout.Build();
        var progress = new List<string>();
        var importer = new ImageImporter(new ImageStore(scratch["images"]), scratch["staging"]) { KeepOwners = Privileges.IsRoot, Layers = withStore ? new LayerStore(scratch["layers"]) : null };
        var request = new ImportRequest { Name = ImageReference.Parse(name), Source = $"oci:{scratch[$"layout-{name}"]}", NoLayerCache = noLayerCache };
        return (await importer.ImportAsync(request, new Sink(progress), TestContext.Current.CancellationToken), progress);
    }

    private static HashSet<ulong> Inodes(string directory) =>
        [.. Directory.EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Select(path => HostPath.TryStatus(path)!.Value).Where(status => status.Kind == FileKind.Regular).Select(status => status.Inode)];

    private sealed class Sink(List<string> lines) : IProgress<string>
    {
        public void Report(string value)
        {
            lock (lines) lines.Add(value);
        }
    }
}
