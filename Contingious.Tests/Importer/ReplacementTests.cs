using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>One entry in the place of another: every kind after every kind, in one layer and in two, with and without a whiteout between.</summary>
public sealed class ReplacementTests : IDisposable
{
    private static readonly string[] kinds = ["file", "directory", "full directory", "symlink", "symlink to a directory", "dangling symlink", "hard link", "device"];

    private readonly ScratchDirectory scratch = new();

    public static TheoryData<string, string, bool, bool> Combinations()
    {
        var all = new TheoryData<string, string, bool, bool>();
        foreach (var before in kinds)
        {
            foreach (var after in kinds)
            {
                foreach (var inOneLayer in new[] { false, true })
                {
                    all.Add(before, after, inOneLayer, false);
                    all.Add(before, after, inOneLayer, true);
                }
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void What_comes_last_is_there_and_nothing_else_changes(string before, string after, bool inOneLayer, bool withWhiteout)
    {
        var lower = Put(new TarBuilder().Directory("place", mtime: 5).Directory("aside", mtime: 6).File("aside/kept", "kept"), before);
        var upper = inOneLayer ? lower : new TarBuilder();
        if (withWhiteout) upper.File("place/.wh.x");
        Put(upper, after);
        Apply(inOneLayer ? [lower] : [lower, upper]);

        using var root = DirectoryHandle.Open(scratch["rootfs"]);
        using var place = root.OpenDirectory("place");
        var kept = HostPath.TryStatus(scratch["rootfs/aside/kept"]);
        Assert.Equal("kept", File.ReadAllText(scratch["rootfs/aside/kept"]));
        Assert.Equal((5L, 6L), (place.Status().ModifySeconds, HostPath.TryStatus(scratch["rootfs/aside"])!.Value.ModifySeconds));
        var status = place.TryStatus("x"u8);
        switch (after)
        {
            case "file":
                Assert.Equal((FileKind.Regular, 1u), (status!.Value.Kind, status.Value.LinkCount));
                Assert.Equal("new", File.ReadAllText(scratch["rootfs/place/x"]));
                break;
            case "directory" or "full directory":
                // A directory's content stays, unless a whiteout of a later layer took it.
                var isMerged = before == "full directory" && (inOneLayer || !withWhiteout);
                Assert.Equal(after == "full directory" || isMerged ? ["below"] : [], Directory.GetFileSystemEntries(scratch["rootfs/place/x"]).Select(path => Path.GetFileName(path)));
                break;
            case "hard link":
                Assert.Equal((2u, kept!.Value.Inode), (kept.Value.LinkCount, status!.Value.Inode));
                break;
            case "device":
                Assert.Null(status);
                break;
            default:
                Assert.Equal(FileKind.Symlink, status!.Value.Kind);
                break;
        }
    }

    [Fact]
    public void A_directory_in_the_way_of_a_path_is_the_one_that_is_there_now()
    {
        // The first of each pair is open when the second takes its place.
        Apply(
            [new TarBuilder()
                .Directory("one").Directory("two").Directory("three")
                .Symlink("way", "one").File("way/a").Symlink("way", "two").File("way/b")
                .File("three/c").Symlink("three", "one").File("three/d")]);
        Assert.Equal(["one", "one/a", "one/d", "three", "two", "two/b", "way"], scratch.Tree("rootfs"));
    }

    [Fact]
    public void A_path_through_a_directory_that_a_whiteout_took_is_made_anew()
    {
        Apply([new TarBuilder().Directory("d", mode: 0x1C0).File("d/old").Symlink("s", "d"), new TarBuilder().File("d/touch").File("s/more")]);
        Apply([new TarBuilder().Directory("d", mode: 0x1C0).File("d/old"), new TarBuilder().File(".wh.d").File("d/new")], "again");
        Assert.Equal(["d", "d/new"], scratch.Tree("again"));
        Assert.Equal(0x1EDu, HostPath.TryStatus(scratch["again/d"])!.Value.Permissions);
    }

    public void Dispose() => scratch.Dispose();

    private static TarBuilder Put(TarBuilder tar, string kind) => kind switch
    {
        "file" => tar.File("place/x", "new"),
        "directory" => tar.Directory("place/x"),
        "full directory" => tar.Directory("place/x").File("place/x/below"),
        "symlink" => tar.Symlink("place/x", "../aside/kept"),
        "symlink to a directory" => tar.Symlink("place/x", "/aside"),
        "dangling symlink" => tar.Symlink("place/x", "nowhere"),
        "hard link" => tar.HardLink("place/x", "aside/kept"),
        "device" => tar.Entry('3', TarBuilder.Bytes("place/x")),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private void Apply(TarBuilder[] layers, string directory = "rootfs")
    {
        Directory.CreateDirectory(scratch[directory]);
        using var root = DirectoryHandle.Open(scratch[directory]);
        var unpacker = new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: Privileges.IsRoot);
        foreach (var layer in layers) unpacker.Apply(new MemoryStream(layer.Build()), TestContext.Current.CancellationToken);
        scratch.AssertNothingLeftIt();
    }
}
