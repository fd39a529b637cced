using System.Diagnostics;
using Contingious.Engine.Images;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

public sealed class RootfsTarTests
{
    private static readonly byte[] Rootfs = new TarBuilder().Directory("./").Directory("./bin").File("./bin/tool", "x", mode: 0x1ED).Directory("./work").Build();

    [Theory]
    [InlineData(LayerCompression.None)]
    [InlineData(LayerCompression.Gzip)]
    [InlineData(LayerCompression.Zstd)]
    [InlineData(LayerCompression.Xz)]
    internal async Task However_a_root_is_packed_it_is_the_same_image(LayerCompression packed)
    {
        using var fixture = new ImportFixture();
        await WriteAsync(fixture, await Packed.WithAsync(packed, Rootfs));
        var image = await fixture.ImportFromAsync(Source(fixture));
        Assert.Equal("sha256:", image.Digest.ToString()[..7]);
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(image.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
        await WriteAsync(fixture, Rootfs);
        Assert.Equal(image.Digest, (await fixture.ImportFromAsync(Source(fixture))).Digest);
        Assert.Contains(fixture.Progress, line => line.StartsWith("unchanged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_root_that_GNU_tar_packed_is_imported()
    {
        using var fixture = new ImportFixture();
        Directory.CreateDirectory(fixture.Scratch["root/bin"]);
        await File.WriteAllTextAsync(fixture.Scratch["root/bin/tool"], "x", TestContext.Current.CancellationToken);
        await ProgramRunner.RequireAsync(new ProgramRequest("tar", "--create", "--xz", "--file", fixture.Scratch["root.tar"], "--directory", fixture.Scratch["root"], "."), TestContext.Current.CancellationToken);
        var image = await fixture.ImportFromAsync(Source(fixture));
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(image.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_name_that_would_mean_absence_in_a_layer_is_refused()
    {
        using var fixture = new ImportFixture();
        await WriteAsync(fixture, new TarBuilder().Directory("etc").File("etc/.wh.conf", "x").Build());
        await fixture.AssertRefusedFromAsync(Source(fixture), "etc/.wh.conf");
    }

    [Fact]
    public async Task What_is_no_archive_is_refused()
    {
        using var fixture = new ImportFixture();
        foreach (var content in new[] { [], new byte[1024], TarBuilder.Bytes(new string('x', 4096)), Rootfs[..700], LayoutBuilder.Gzip(Rootfs)[..60] })
        {
            await WriteAsync(fixture, content);
            await fixture.AssertRefusedFromAsync(Source(fixture), "");
        }

        await fixture.AssertRefusedFromAsync($"rootfs-tar:{fixture.Scratch["absent"]}", fixture.Scratch["absent"]);
    }

    [Theory]
    [InlineData(LayerCompression.Gzip)]
    [InlineData(LayerCompression.Zstd)]
    [InlineData(LayerCompression.Xz)]
    internal async Task B8_a_decompression_bomb_is_stopped_before_it_fills_the_disk(LayerCompression packed)
    {
        using var fixture = new ImportFixture(new ImportLimits { RatioGrace = new(1 << 20), CompressionRatio = 50 });
        await WriteAsync(fixture, await Packed.WithAsync(packed, new TarBuilder().Entry('0', "zeros"u8.ToArray(), new byte[16 << 20]).Build()));
        await fixture.AssertRefusedFromAsync(Source(fixture), "bomb");

        using var large = new ImportFixture(new ImportLimits { Unpacked = new(1 << 20) });
        await WriteAsync(large, await Packed.WithAsync(packed, new TarBuilder().Entry('0', "zeros"u8.ToArray(), new byte[16 << 20]).Build()));
        await large.AssertRefusedFromAsync(Source(large), "unpacks to more than");
    }

    [Fact]
    public async Task A_digest_tells_of_no_time()
    {
        using var fixture = new ImportFixture();
        await WriteAsync(fixture, Rootfs);
        // Of the one layer, the config without a date, and this host's platform: a change here makes every such image another one.
        var config = $$$"""{"architecture":"{{{Platform.Host.Architecture}}}","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["{{{Digest.Of(Rootfs)}}}"]}}""";
        var manifest = $$"""{"schemaVersion":2,"mediaType":"{{LayoutBuilder.ManifestType}}","config":{{Descriptor(LayoutBuilder.ConfigType, TarBuilder.Bytes(config))}},"layers":[{{Descriptor(LayoutBuilder.PlainLayer, Rootfs)}}]}""";
        Assert.Equal(Digest.Of(TarBuilder.Bytes(manifest)), (await fixture.ImportFromAsync(Source(fixture))).Digest);

        static string Descriptor(string type, byte[] content) => $$"""{"mediaType":"{{type}}","digest":"{{Digest.Of(content)}}","size":{{content.Length}}}""";
    }

    /// <summary>By the command line, which has a standard input of its own.</summary>
    [Theory]
    [Trait("Needs", "keeper")]
    [InlineData(LayerCompression.None)]
    [InlineData(LayerCompression.Gzip)]
    [InlineData(LayerCompression.Zstd)]
    [InlineData(LayerCompression.Xz)]
    internal async Task A_root_comes_through_standard_input(LayerCompression packed)
    {
        Privileges.NeedRoot();
        using var import = Process.Start(new ProcessStartInfo(Cli.Path, ["import", "rootfs-tar:-", "--name", "tests/standard-input"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (said, complaint) = (import.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), import.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await import.StandardInput.BaseStream.WriteAsync(await Packed.WithAsync(packed, Rootfs), TestContext.Current.CancellationToken);
        import.StandardInput.Close();
        await import.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(import.ExitCode == 0, await complaint);
        Assert.Contains("tests/standard-input: sha256:", await said, StringComparison.Ordinal);
    }

    private static string Source(ImportFixture fixture) => $"rootfs-tar:{fixture.Scratch["root.tar"]}";

    private static Task WriteAsync(ImportFixture fixture, byte[] content) => File.WriteAllBytesAsync(fixture.Scratch["root.tar"], content, TestContext.Current.CancellationToken);
}
