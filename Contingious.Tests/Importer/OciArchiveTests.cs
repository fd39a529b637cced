using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class OciArchiveTests
{
    private static readonly byte[] Rootfs = new TarBuilder().Directory("bin").File("bin/tool", "x").Build();

    [Theory]
    [InlineData(LayerCompression.None, "")]
    [InlineData(LayerCompression.Gzip, "./")]
    [InlineData(LayerCompression.Zstd, "./")]
    internal async Task A_layout_in_an_archive_is_the_image_that_it_is_in_a_directory(LayerCompression packed, string prefix)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        var digest = fixture.Layout.Build("v1");
        await WriteAsync(fixture, new TarBuilder(), packed, prefix);
        Assert.Equal(digest, (await fixture.ImportFromAsync(Source(fixture))).Digest);
        Assert.Equal(digest, (await fixture.ImportFromAsync($"{Source(fixture)}:v1")).Digest);
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Fact]
    public async Task B1_names_that_are_none_of_a_layout_are_read_over()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs).Build();
        var hostile = new TarBuilder()
            .File("../../escaped", "x").File("/etc/escaped", "x").File("blobs/sha256/../../../escaped", "x").File("blobs/sha256/short", "x")
            .File($"blobs/sha256/{new string('A', 64)}", "x").Symlink("blobs/sha256", "/tmp").Symlink("blobs", "/tmp").Directory("oci-layout").HardLink("index.json", "/etc/passwd")
            .Entry('3', "dev"u8.ToArray()).Entry('6', "fifo"u8.ToArray());
        await WriteAsync(fixture, hostile);
        await fixture.ImportFromAsync(Source(fixture));
        fixture.Scratch.AssertNothingLeftIt();
    }

    [Fact]
    public async Task B3_a_blob_that_is_a_link_is_no_blob()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, LayoutBuilder.PlainLayer).Build();
        var blob = fixture.Layout.PathOf(Digest.Of(Rootfs));
        File.Move(blob, fixture.Scratch["outside"]);
        await WriteAsync(fixture, new TarBuilder().Symlink($"blobs/sha256/{Path.GetFileName(blob)}", fixture.Scratch["outside"]).HardLink($"blobs/sha256/{Path.GetFileName(blob)}", fixture.Scratch["outside"]));
        await fixture.AssertRefusedFromAsync(Source(fixture), "ENOENT", ImportStage.Verify);
    }

    [Fact]
    public async Task B10_a_file_of_the_layout_that_is_there_twice_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs).Build();
        await WriteAsync(fixture, new TarBuilder().File("index.json", "{}"));
        await fixture.AssertRefusedFromAsync(Source(fixture), "index.json twice");
    }

    [Fact]
    public async Task B10_a_blob_with_another_content_than_its_name_says_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, LayoutBuilder.PlainLayer).Build();
        var blob = fixture.Layout.PathOf(Digest.Of(Rootfs));
        var changed = Rootfs.ToArray();
        changed[600] ^= 1;
        await File.WriteAllBytesAsync(blob, changed, TestContext.Current.CancellationToken);
        await WriteAsync(fixture, new TarBuilder());
        await fixture.AssertRefusedFromAsync(Source(fixture), "has another content", ImportStage.Unpack);
    }

    [Fact]
    public async Task B8_an_archive_that_unpacks_to_far_more_than_it_is_is_refused()
    {
        using var fixture = new ImportFixture(new ImportLimits { RatioGrace = new(1 << 20) });
        fixture.Layout.Layer(Rootfs).Build();
        // What is no part of a layout is unpacked too.
        await WriteAsync(fixture, new TarBuilder().Entry('0', TarBuilder.Bytes("anything"), new byte[16 << 20]), LayerCompression.Gzip);
        await fixture.AssertRefusedFromAsync(Source(fixture), "decompression bomb");
    }

    [Fact]
    public async Task B8_an_archive_against_a_limit_is_refused()
    {
        using var small = new ImportFixture(new ImportLimits { Unpacked = new(1 << 20) });
        small.Layout.Layer(Rootfs).Build();
        await WriteAsync(small, new TarBuilder().Entry('0', TarBuilder.Bytes($"blobs/sha256/{new string('0', 64)}"), new byte[2 << 20]), LayerCompression.Gzip);
        await small.AssertRefusedFromAsync(Source(small), "more than");

        using var few = new ImportFixture(new ImportLimits { Entries = 3 });
        few.Layout.Layer(Rootfs).Build();
        await WriteAsync(few, new TarBuilder());
        await few.AssertRefusedFromAsync(Source(few), "more than 3 entries");
    }

    [Fact]
    public async Task What_is_no_archive_of_a_layout_is_refused_with_what_it_may_be()
    {
        using var fixture = new ImportFixture();
        await File.WriteAllBytesAsync(fixture.Scratch["image.tar"], Rootfs, TestContext.Current.CancellationToken);
        await fixture.AssertRefusedFromAsync(Source(fixture), "rootfs-tar:");
        await fixture.AssertRefusedFromAsync($"oci-archive:{fixture.Scratch["absent"]}", fixture.Scratch["absent"]);
    }

    private static string Source(ImportFixture fixture) => $"oci-archive:{fixture.Scratch["image.tar"]}";

    private static async Task WriteAsync(ImportFixture fixture, TarBuilder archive, LayerCompression packed = LayerCompression.None, string prefix = "")
    {
        var layout = fixture.Scratch["layout"];
        foreach (var file in Directory.EnumerateFiles(layout, "*", SearchOption.AllDirectories).Order())
        {
            archive.Entry('0', TarBuilder.Bytes(prefix + Path.GetRelativePath(layout, file)), await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        }

        await File.WriteAllBytesAsync(fixture.Scratch["image.tar"], await Packed.WithAsync(packed, archive.Build()), TestContext.Current.CancellationToken);
    }
}
