using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class WhiteoutTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    public WhiteoutTests() => Directory.CreateDirectory(scratch["rootfs"]);

    private static TarBuilder Lower => new TarBuilder().Directory("d").File("d/one", "lower").File("d/two", "lower").Directory("d/sub").File("d/sub/three", "lower").File("file", "lower");

    [Fact]
    public void B5_a_whiteout_hides_a_file_or_a_whole_directory_of_lower_layers()
    {
        Apply(Lower, new TarBuilder().File("d/.wh.one").File("d/.wh.sub").File(".wh.file").File(".wh.missing").File("nowhere/.wh.x"));
        Assert.Equal(["d", "d/two"], Tree());
    }

    [Fact]
    public void B5_an_opaque_directory_hides_everything_of_lower_layers_and_nothing_of_its_own()
    {
        Apply(Lower, new TarBuilder().Directory("d").File("d/new", "upper").File("d/sub/four", "upper").File("d/.wh..wh..opq"));
        Assert.Equal(["d", "d/new", "d/sub", "d/sub/four", "file"], Tree());
    }

    [Fact]
    public void B5_an_opaque_root_hides_all_lower_layers()
    {
        Apply(Lower, new TarBuilder().File(".wh..wh..opq").File("new"));
        Assert.Equal(["new"], Tree());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void B5_a_whiteout_never_hides_what_its_own_layer_has(bool whiteoutFirst)
    {
        var upper = new TarBuilder();
        if (whiteoutFirst) upper.File(".wh.file").File(".wh.d");
        upper.File("file", "upper").File("d/one", "upper");
        if (!whiteoutFirst) upper.File(".wh.file").File(".wh.d");
        Apply(Lower, upper);
        Assert.Equal(["d", "d/one", "file"], Tree());
        Assert.Equal("upper", File.ReadAllText(scratch["rootfs/file"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void B5_an_opaque_mark_means_the_same_before_and_after_the_content(bool markFirst)
    {
        var upper = new TarBuilder();
        if (markFirst) upper.File("d/.wh..wh..opq");
        upper.Directory("d", mtime: 7).File("d/new").File("d/two", "upper").File("d/sub/four");
        if (!markFirst) upper.File("d/.wh..wh..opq");
        Apply(Lower, upper);
        Assert.Equal(["d", "d/new", "d/sub", "d/sub/four", "d/two", "file"], Tree());
        Assert.Equal("upper", File.ReadAllText(scratch["rootfs/d/two"]));
        Assert.Equal(7, HostPath.TryStatus(scratch["rootfs/d"])!.Value.ModifySeconds);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void B5_a_directory_that_its_layer_hides_and_makes_again_has_nothing_of_lower_layers(bool whiteoutFirst)
    {
        var upper = new TarBuilder();
        if (whiteoutFirst) upper.File(".wh.d");
        upper.Directory("d", mode: 0x1C0).File("d/new");
        if (!whiteoutFirst) upper.File(".wh.d");
        Apply(Lower, upper);
        Assert.Equal(["d", "d/new", "file"], Tree());
        Assert.Equal(0x1C0u, HostPath.TryStatus(scratch["rootfs/d"])!.Value.Permissions);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void B5_a_whiteout_of_a_file_leaves_the_names_that_its_layer_gave_it(bool whiteoutFirst)
    {
        // One inode, of which one name is the lower layer's and one the upper's.
        var upper = new TarBuilder();
        if (!whiteoutFirst) upper.HardLink("d/mine", "file").HardLink("d/sub/mine", "file").File(".wh.file").File("d/.wh..wh..opq");
        else upper.HardLink("d/mine", "file").File("d/.wh..wh..opq").HardLink("d/sub/mine", "d/mine").File(".wh.file");
        Apply(Lower, upper);
        Assert.Equal(["d", "d/mine", "d/sub", "d/sub/mine"], Tree());
        Assert.Equal("lower", File.ReadAllText(scratch["rootfs/d/sub/mine"]));
    }

    [Fact]
    public void B5_a_whiteout_knows_its_layer_s_own_even_where_it_made_and_replaced_them()
    {
        // Replaced files and directories give their inode numbers back, to whatever the layer makes next.
        var upper = new TarBuilder();
        for (var i = 0; i < 50; i++) upper.Directory($"x{i}").File($"x{i}/f").File($"x{i}").File($"d/y{i}/z/f");
        upper.File(".wh.d");
        Apply(Lower, upper);
        Assert.Equal(50, Directory.GetDirectories(scratch["rootfs/d"]).Length);
        Assert.Equal(50, Directory.GetFiles(scratch["rootfs/d"], "f", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void B5_a_whiteout_behind_symlinks_that_lead_nowhere_hides_nothing()
    {
        Apply(Lower, new TarBuilder().Symlink("loop", "loop").Symlink("dangling", "nowhere").File("loop/.wh.d").File("dangling/.wh.d").File("file/.wh.d").File("loop/.wh..wh..opq"));
        Assert.Equal(["d", "d/one", "d/sub", "d/sub/three", "d/two", "dangling", "file", "loop"], Tree());
    }

    [Fact]
    public void B5_what_one_layer_made_the_next_one_can_hide()
    {
        Apply(Lower, new TarBuilder().File("d/new"), new TarBuilder().File("d/.wh.new").File("d/.wh.one"));
        Assert.Equal(["d", "d/sub", "d/sub/three", "d/two", "file"], Tree());
    }

    [Fact]
    public void B5_a_file_made_through_a_symlink_is_its_own_layers_too()
    {
        Apply(Lower, new TarBuilder().Symlink("alias", "/d").File("alias/new").File("d/.wh..wh..opq"));
        Assert.Equal(["alias", "d", "d/new", "file"], Tree());
    }

    [Fact]
    public void B5_a_whiteout_behind_a_symlink_stays_in_the_rootfs()
    {
        Apply(Lower, new TarBuilder().Symlink("link", "/").File("link/.wh.file").Symlink("up", "../../..").File("up/.wh.sentinel"));
        Assert.DoesNotContain("file", Tree());
        scratch.AssertNothingLeftIt();
    }

    [Theory]
    [InlineData(".wh.")]
    [InlineData(".wh..")]
    [InlineData(".wh...")]
    [InlineData("d/.wh...")]
    [InlineData(".wh.../x")]
    [InlineData(".wh.d/x")]
    public void B5_a_whiteout_that_hides_no_name_is_refused(string name)
    {
        Assert.Throws<InvalidImageException>(() => Apply(Lower, new TarBuilder().File(name)));
        Assert.Equal(6, Tree().Count);
        scratch.AssertNothingLeftIt();
    }

    [Fact]
    public void The_bookkeeping_of_aufs_is_left_out()
    {
        Apply(new TarBuilder().Directory(".wh..wh.plnk").File(".wh..wh.plnk/1.2").File(".wh..wh.aufs").File("f"));
        Assert.Equal(["f"], Tree());
    }

    public void Dispose() => scratch.Dispose();

    private void Apply(params TarBuilder[] layers)
    {
        using var root = DirectoryHandle.Open(scratch["rootfs"]);
        var unpacker = new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: Privileges.IsRoot);
        foreach (var layer in layers) unpacker.Apply(new MemoryStream(layer.Build()), TestContext.Current.CancellationToken);
    }

    private IReadOnlyList<string> Tree() => scratch.Tree("rootfs");
}
