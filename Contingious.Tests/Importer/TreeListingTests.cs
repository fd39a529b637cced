using System.Diagnostics;
using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Images.Trees;
using Contingious.Engine.Linux;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>The listing of an image's trees, and what is found by comparing with it.</summary>
public sealed class TreeListingTests
{
    /// <summary>Every byte but NUL and slash, in a name and in a link.</summary>
    private static readonly byte[] anyBytes = [.. Enumerable.Range(1, 255).Select(value => (byte)value).Where(value => value != '/')];

    [Fact]
    public async Task Whatever_is_in_the_trees_the_listing_reads_back_as_it_was_and_nothing_differs()
    {
        using var fixture = await StrangeImageAsync();
        var image = Assert.Single(fixture.Store.List());
        var found = await VerifyAsync(image);
        Assert.Equal([], found.Differences);
        Assert.True(found.IsIntact);
        using var directory = DirectoryHandle.Open(fixture.Store.DirectoryOf(image.Id));
        using var listing = File.OpenRead(Path.Combine(fixture.Store.DirectoryOf(image.Id), TreeListing.Name));
        var reader = new MtreeReader(listing);
        var paths = new List<byte[]>();
        while (reader.Read() is { } entry) paths.Add(entry.Path);
        Assert.Equal(found.Entries, paths.Count);
        Assert.Contains(paths, path => path.AsSpan().EndsWith(anyBytes));
        for (var i = 1; i < paths.Count; i++) Assert.True(TreeWalk.Compare(paths[i - 1], paths[i]) < 0);
    }

    [Fact]
    public async Task The_listing_is_one_that_other_programs_read()
    {
        Prerequisite.Require(File.Exists("/usr/bin/bsdtar"), "bsdtar (apt-get install libarchive-tools)");
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("opt/a b#c=d", "twelve bytes", mode: 0x1A0).Symlink("opt/link", "a b#c=d").Directory("opt/t\\s").Build()).Build();
        var image = await fixture.ImportAsync();
        var start = new ProcessStartInfo("/usr/bin/bsdtar", ["-tvf", Path.Combine(fixture.Store.DirectoryOf(image.Id), TreeListing.Name)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TZ"] = "UTC";
        using var bsdtar = Process.Start(start)!;
        var (stdout, stderr) = (await bsdtar.StandardOutput.ReadToEndAsync(), await bsdtar.StandardError.ReadToEndAsync());
        Assert.Equal("", stderr);
        Assert.Matches(@"(?m)^-rw-r----- +0 0 +0 +12 Nov 14 +2023 \./ro-rootfs/opt/a b#c=d$", stdout);
        Assert.Matches(@"(?m)^l.* \./ro-rootfs/opt/link -> a b#c=d$", stdout);
        Assert.Matches(@"(?m)^drwxr-xr-x.* \./ro-rootfs/opt/t\\\\s", stdout);
    }

    public static TheoryData<string, string, string> Changes => new()
    {
        { "echo b >rootfs/work/file; touch -d @1700000000 rootfs/work/file", "rootfs/work/file", "other content of the same length" },
        { "echo longer >rootfs/work/file; touch -d @1700000000 rootfs/work/file", "rootfs/work/file", "7 bytes instead of 2" },
        { "chmod 640 rootfs/work/file", "rootfs/work/file", "mode 0640 instead of 0644" },
        { "touch -d @1700000000.5 rootfs/work/file", "rootfs/work/file", "time 1700000000.500000000 instead of 1700000000.000000000" },
        { "rm ro-rootfs/opt/z", "ro-rootfs/opt/z", "missing" },
        { "rm -r ro-rootfs/opt", "ro-rootfs/opt/dir/below", "missing" },
        { "touch rootfs/work/more", "rootfs/work/more", "was not there" },
        { "ln -sfn elsewhere ro-rootfs/opt/link", "ro-rootfs/opt/link", "points to elsewhere instead of dir" },
        { "rm -r ro-rootfs/opt/dir; ln -s z ro-rootfs/opt/dir", "ro-rootfs/opt/dir", "is a Symlink instead of a Directory" },
        { "sed -i s/uid=0/uid=1/ image.mtree", "image.mtree", "not what the import wrote: nothing can be compared" },
        { "rm image.mtree", "image.mtree", "missing: nothing can be compared" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Every_kind_of_change_is_found_and_named(string change, string path, string what)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("work/file", "a\n").Directory("opt").Directory("opt/dir").File("opt/dir/below").Symlink("opt/link", "dir").File("opt/z").Build()).Build();
        var image = await fixture.ImportAsync();
        using (var shell = Process.Start(new ProcessStartInfo("sh", ["-ec", change]) { WorkingDirectory = fixture.Store.DirectoryOf(image.Id) })!)
        {
            await shell.WaitForExitAsync();
            Assert.Equal(0, shell.ExitCode);
        }

        var found = await VerifyAsync(image);
        Assert.False(found.IsIntact);
        Assert.Contains(new ImageDifference(path, what), found.Differences);
    }

    [Fact]
    public async Task A_record_that_was_changed_does_not_match_its_id()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("f").Build()).Build();
        var image = await fixture.ImportAsync();
        ImageRemovalTests.Rewrite(image, record => record["config"]!["user"] = "0");
        var difference = Assert.Single((await VerifyAsync(Assert.Single(fixture.Store.List()))).Differences);
        Assert.Equal("image.json", difference.Path);
    }

    [Fact]
    public async Task Many_differences_are_counted_and_the_first_of_them_named()
    {
        using var fixture = new ImportFixture();
        var layer = new TarBuilder().Directory("opt");
        for (var i = 0; i < 1000; i++) layer.File($"opt/{i:d4}", $"{i}");
        fixture.Layout.Layer(layer.Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.True((await VerifyAsync(image)).Entries > 1000);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(image.ReadOnlyDirectory, "opt"))) File.Delete(file);
        var found = await VerifyAsync(image);
        Assert.Equal((1001, ImageVerification.MostTold), (found.Count, found.Differences.Count));
    }

    [Theory]
    [InlineData("#mtree\n./a\n")]
    [InlineData("#mtree\n./a type=dir")]
    [InlineData("a type=dir mode=0 uid=0 gid=0 time=0.0\n")]
    [InlineData("./a type=door mode=0 uid=0 gid=0 time=0.0\n")]
    [InlineData("./a type=dir mode=8 uid=0 gid=0 time=0.0\n")]
    [InlineData("./a\\09 type=dir mode=0 uid=0 gid=0 time=0.0\n")]
    [InlineData("./a type=dir mode=0 uid=x gid=0 time=0.0\n")]
    [InlineData("./a type=dir mode=0 uid=0 gid=0 time=0\n")]
    [InlineData("./a type=dir mode=0 uid=0 gid=0 time=0.0 sha256digest=00\n")]
    public void A_damaged_listing_is_refused_with_its_line(string text)
    {
        using var listing = new MemoryStream(Encoding.ASCII.GetBytes(text));
        Assert.StartsWith("Line ", Assert.Throws<MtreeException>(() => new MtreeReader(listing).Read()).Message, StringComparison.Ordinal);
    }

    private static async Task<ImportFixture> StrangeImageAsync()
    {
        var fixture = new ImportFixture();
        var layer = new TarBuilder().Directory("opt");
        layer.Pax(("path", [.. "opt/"u8, .. anyBytes])).Entry('0', "x"u8.ToArray(), "strange"u8.ToArray(), mtime: -5);
        layer.Pax(("path", "opt/link"u8.ToArray()), ("linkpath", anyBytes)).Entry('2', "x"u8.ToArray());
        foreach (var name in new[] { "a", "a b", "a-b", "a!", "a.d", "ab" }) layer.Directory($"opt/{name}").File($"opt/{name}/below", name);
        layer.File("opt/large", new string('x', 1 << 20)).File("work/empty");
        fixture.Layout.Layer(layer.Build()).Build();
        await fixture.ImportAsync();
        return fixture;
    }

    private static Task<ImageVerification> VerifyAsync(Image image) => ImageVerification.OfAsync(image, TestContext.Current.CancellationToken);
}
