using System.Globalization;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Files with several names in an image that is cut: what a submission writes is in no other tree.</summary>
public sealed class HardLinkSplitTests
{
    [Fact]
    public async Task A_hard_link_across_the_cut_becomes_two_files_and_others_stay_links()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("home").Directory("usr").File("usr/a", "content", mode: 0x1A0, mtime: 99).HardLink("usr/b", "usr/a").HardLink("home/c", "usr/a").HardLink("home/d", "usr/b")
            .File("home/own", "own").HardLink("home/own-too", "home/own").Build()).Build();
        var image = await ImportAsync(fixture, ["editable /home"]);
        using var home = DirectoryHandle.Open($"{image.EditableDirectory}/home");
        using var usr = DirectoryHandle.Open($"{image.ReadOnlyDirectory}/usr");
        Assert.Equal(home.TryStatus("c"u8)?.Inode, home.TryStatus("d"u8)?.Inode);
        Assert.Equal(home.TryStatus("own"u8)?.Inode, home.TryStatus("own-too"u8)?.Inode);
        Assert.Equal(usr.TryStatus("a"u8)?.Inode, usr.TryStatus("b"u8)?.Inode);
        Assert.NotEqual(usr.TryStatus("a"u8)?.Inode, home.TryStatus("c"u8)?.Inode);
        Assert.Equal((0x1A0u, 99L), home.TryStatus("d"u8) is { } copy ? (copy.Permissions, copy.ModifySeconds) : default);
        Assert.Equal("content", File.ReadAllText($"{image.EditableDirectory}/home/d"));
        Assert.Contains(fixture.Progress, line => line.Contains("warning", StringComparison.Ordinal) && line.Contains("are two files now: /usr/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_read_only_file_among_editable_ones_that_has_another_name_there_is_two_files()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("home").File("home/a", "content").HardLink("home/b", "home/a").Build()).Build();
        var image = await ImportAsync(fixture, ["editable /home", "readonly /home/b"]);
        AssertApart(image);
        Assert.Equal(["content", "content"], new[] { $"{image.EditableDirectory}/home/a", $"{image.ReadOnlyDirectory}/home/b" }.Select(File.ReadAllText));
        Assert.Equal(0, new FileInfo($"{image.EditableDirectory}/home/b").Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task However_files_are_linked_and_cut_no_inode_is_in_both_trees_and_contents_are_right(bool withLayerStore)
    {
        for (var seed = 1; seed <= 25; seed++)
        {
            var random = new Random(seed);
            using var fixture = new ImportFixture();
            var (tar, expected) = Random(random, seed);
            fixture.Layout.Layer(tar).Build();
            string[] rules = [.. Enumerable.Range(0, 3).Select(_ => $"{(random.Next(2) == 0 ? "editable" : "readonly")} /d{random.Next(4)}{(random.Next(2) == 0 ? "" : $"/f{random.Next(8)}")}")];
            var store = withLayerStore ? new LayerStore(fixture.Scratch["layers"]) : null;
            var image = await ImportAsync(fixture, rules, store);
            AssertApart(image);
            foreach (var (path, content) in expected)
            {
                var isReadOnly = image.ReadOnlyMounts.Any(mount => path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal));
                Assert.Equal(content, File.ReadAllText((isReadOnly ? image.ReadOnlyDirectory : image.EditableDirectory) + path));
            }
        }
    }

    private static (byte[] Tar, SortedDictionary<string, string> Expected) Random(Random random, int seed)
    {
        var tar = new TarBuilder();
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var directory = 0; directory < 4; directory++) tar.Directory($"d{directory}");
        for (var file = 0; file < 30; file++)
        {
            var path = $"/d{random.Next(4)}/f{random.Next(8)}";
            if (expected.ContainsKey(path)) continue;
            if (expected.Count > 0 && random.Next(2) == 0)
            {
                var other = expected.Keys.ElementAt(random.Next(expected.Count));
                tar.HardLink(path[1..], other[1..]);
                expected[path] = expected[other];
            }
            else
            {
                expected[path] = string.Create(CultureInfo.InvariantCulture, $"{seed}-{file}");
                tar.File(path[1..], expected[path]);
            }
        }

        return (tar.Build(), expected);
    }

    private static void AssertApart(Image image) => Assert.Empty(Inodes(image.EditableDirectory).Intersect(Inodes(image.ReadOnlyDirectory)));

    private static HashSet<ulong> Inodes(string root) =>
        [.. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Select(path => HostPath.TryStatus(path)!.Value.Inode)];

    private static Task<Image> ImportAsync(ImportFixture fixture, IReadOnlyList<string> split, LayerStore? layers = null) =>
        new ImageImporter(fixture.Store, fixture.Scratch["staging"]) { KeepOwners = Privileges.IsRoot, Layers = layers }.ImportAsync(
            new ImportRequest { Name = ImageReference.Parse("test"), Source = $"oci:{fixture.Scratch["layout"]}", Split = split }, new ImportFixture.Sink(fixture.Progress), TestContext.Current.CancellationToken);
}
