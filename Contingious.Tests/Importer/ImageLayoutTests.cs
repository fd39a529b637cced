using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class ImageLayoutTests
{
    private static readonly byte[] Rootfs = new TarBuilder().Directory("bin").File("bin/tool", "x").Build();

    [Fact]
    public async Task B10_a_layer_with_other_content_is_refused_and_nothing_of_it_stays()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, LayoutBuilder.PlainLayer).Build();
        var blob = fixture.Layout.PathOf(Digest.Of(Rootfs));
        var changed = Rootfs.ToArray();
        changed[600] ^= 1;
        await File.WriteAllBytesAsync(blob, changed, TestContext.Current.CancellationToken);
        await fixture.AssertRefusedAsync("has another content", ImportStage.Unpack);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task B10_a_layer_of_another_size_is_refused(int difference)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, LayoutBuilder.PlainLayer, size: Rootfs.Length + difference).Build();
        await fixture.AssertRefusedAsync("descriptor promises", ImportStage.Verify);
    }

    [Fact]
    public async Task B10_a_layer_that_is_missing_or_a_symlink_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, LayoutBuilder.PlainLayer).Build();
        var blob = fixture.Layout.PathOf(Digest.Of(Rootfs));
        File.Move(blob, blob + ".moved");
        await fixture.AssertRefusedAsync("ENOENT", ImportStage.Verify);
        File.CreateSymbolicLink(blob, blob + ".moved");
        await fixture.AssertRefusedAsync("ELOOP", ImportStage.Verify);
    }

    [Fact]
    public async Task B10_a_wrong_diff_id_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, diffId: Digest.Of("something else"u8)).Build();
        await fixture.AssertRefusedAsync("diff id", ImportStage.Unpack);
    }

    [Fact]
    public async Task B10_garbage_behind_a_layer_is_part_of_its_diff_id()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer([.. Rootfs, .. "garbage"u8], diffId: Digest.Of(Rootfs)).Build();
        await fixture.AssertRefusedAsync("diff id", ImportStage.Unpack);
    }

    [Theory]
    [InlineData("sha256:../../../../../etc/passwd")]
    [InlineData("sha512:aa")]
    public async Task B10_CVE_2024_3727_a_digest_that_is_a_path_is_refused(string digest)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.IndexDigest = digest;
        fixture.Layout.Layer(Rootfs).Build();
        await fixture.AssertRefusedAsync("index.json cannot be read", ImportStage.Verify);
    }

    [Fact]
    public async Task B10_CVE_2021_41190_a_document_that_is_index_and_manifest_at_once_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.ExtraInManifest = "\"manifests\":[],";
        fixture.Layout.Layer(Rootfs).Build();
        await fixture.AssertRefusedAsync("at once", ImportStage.Verify);
    }

    [Theory]
    [InlineData("application/vnd.docker.distribution.manifest.v2+json", "calls itself")]
    [InlineData("application/vnd.oci.image.index.v1+json", "at once")]
    [InlineData("text/plain", "neither an image nor an index")]
    public async Task B10_media_types_that_lie_are_refused(string mediaType, string message)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.IndexMediaType = mediaType;
        fixture.Layout.Layer(Rootfs).Build();
        await fixture.AssertRefusedAsync(message, ImportStage.Verify);
    }

    [Theory]
    [InlineData("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "nondistributable")]
    [InlineData("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "nondistributable")]
    [InlineData("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "--decryption-key")]
    [InlineData("application/vnd.oci.image.layer.v1.tar+zstd+encrypted", "encrypted")]
    [InlineData("application/x-squashfs", "not a tar layer")]
    public async Task Layers_that_cannot_be_read_are_refused_by_name(string mediaType, string message)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, mediaType).Build();
        await fixture.AssertRefusedAsync(message, ImportStage.Verify);
    }

    [Fact]
    public async Task B8_a_decompression_bomb_is_stopped()
    {
        using var fixture = new ImportFixture(new ImportLimits { RatioGrace = new(1 << 20), CompressionRatio = 50 });
        fixture.Layout.Layer(new TarBuilder().Entry('0', "zeros"u8.ToArray(), new byte[8 << 20]).Build()).Build();
        await fixture.AssertRefusedAsync("bomb", ImportStage.Unpack);
    }

    [Fact]
    public async Task A_layer_that_is_not_gzip_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs, "application/vnd.oci.image.layer.v1.tar+gzip-not", diffId: null).Build();
        await fixture.AssertRefusedAsync("media type", ImportStage.Verify);
    }

    [Theory]
    [InlineData("""{"Env":["NOVALUE"]}""")]
    [InlineData("""{"Env":["=x"]}""")]
    [InlineData("""{"Env":["A=\u0000"]}""")]
    [InlineData("""{"Cmd":[null]}""")]
    [InlineData("""{"User":"a\u001b[0m"}""")]
    [InlineData("""{"WorkingDir":"relative"}""")]
    [InlineData("""{"WorkingDir":"/a/../b"}""")]
    [InlineData("""{"WorkingDir":"/proc/self/fd/7"}""")]
    [InlineData("""{"WorkingDir":"/dev"}""")]
    [InlineData("""{"Cmd":"not a list"}""")]
    public async Task B12_a_config_that_cannot_be_run_is_refused(string config)
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = config;
        fixture.Layout.Layer(Rootfs).Build();
        await fixture.AssertRefusedAsync("", ImportStage.Verify);
    }

    [Fact]
    public async Task B12_a_huge_environment_or_entrypoint_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = $$"""{"Env":["A={{new string('x', 1 << 20)}}"]}""";
        fixture.Layout.Layer(Rootfs).Build();
        await fixture.AssertRefusedAsync("bytes", ImportStage.Verify);

        using var other = new ImportFixture();
        other.Layout.Config = $$"""{"Entrypoint":[{{string.Join(',', Enumerable.Repeat("\"\"", 100_000))}}]}""";
        other.Layout.Layer(Rootfs).Build();
        await other.AssertRefusedAsync("items", ImportStage.Verify);
    }

    [Fact]
    public async Task B12_newlines_and_loader_variables_are_passed_as_they_are()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Config = """{"Env":["A=x\ny","LD_PRELOAD=/x.so","PATH="],"Entrypoint":["/bin/sh","-c"],"Cmd":["echo $HOME; id"]}""";
        fixture.Layout.Layer(Rootfs).Build();
        var image = await fixture.ImportAsync();
        Assert.Equal(("x\ny", "/x.so", ""), (image.Config.Env["A"], image.Config.Env["LD_PRELOAD"], image.Config.Env["PATH"]));
        Assert.Equal(["/bin/sh", "-c"], image.Config.Entrypoint);
        Assert.Equal(["echo $HOME; id"], image.Config.Cmd);
    }
}
