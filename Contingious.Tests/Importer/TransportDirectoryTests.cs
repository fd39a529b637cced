using System.Text.Json.Nodes;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Directories of the form that <c>skopeo copy … dir:DIR</c> writes.</summary>
public sealed class TransportDirectoryTests
{
    private static readonly byte[] Rootfs = new TarBuilder().Directory("bin").File("bin/tool", "x").Build();

    [Fact]
    public async Task The_digest_is_the_manifests_as_it_is_written()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        var digest = Flatten(fixture, fixture.Layout.Build());
        Assert.Equal(digest, (await fixture.ImportFromAsync(Source(fixture))).Digest);
    }

    [Fact]
    public async Task A_manifest_of_schema_2_is_read()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        Flatten(fixture, fixture.Layout.Build());
        var manifest = await File.ReadAllTextAsync(fixture.Scratch["dir/manifest.json"], TestContext.Current.CancellationToken);
        manifest = manifest.Replace(LayoutBuilder.ManifestType, "application/vnd.docker.distribution.manifest.v2+json", StringComparison.Ordinal)
            .Replace(LayoutBuilder.ConfigType, "application/vnd.docker.container.image.v1+json", StringComparison.Ordinal)
            .Replace(LayoutBuilder.GzipLayer, "application/vnd.docker.image.rootfs.diff.tar.gzip", StringComparison.Ordinal);
        await File.WriteAllTextAsync(fixture.Scratch["dir/manifest.json"], manifest, TestContext.Current.CancellationToken);
        Assert.Equal(Digest.Of(TarBuilder.Bytes(manifest)), (await fixture.ImportFromAsync(Source(fixture))).Digest);
    }

    [Fact]
    public async Task Of_an_index_the_image_for_this_host_is_read()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        var here = fixture.Layout.Build();
        var index = fixture.Layout.BuildIndex(("""{"os":"linux","architecture":"amd64"}""", here), ("""{"os":"linux","architecture":"s390x"}""", here));
        Flatten(fixture, index);
        File.Move(fixture.Scratch[$"dir/{here.Hex}"], fixture.Scratch[$"dir/{here.Hex}.manifest.json"]);
        Assert.Equal(here, (await fixture.ImportFromAsync(Source(fixture))).Digest);
        await Assert.ThrowsAsync<ImportException>(() => fixture.ImportFromAsync(Source(fixture), request => request with { Platform = "linux/s390x" }));
    }

    [Fact]
    public async Task B10_schema_1_another_version_and_what_is_no_such_directory_are_refused_by_name()
    {
        using var fixture = new ImportFixture();
        await fixture.AssertRefusedFromAsync(Source(fixture), "no such directory");
        fixture.Layout.Layer(Rootfs);
        Flatten(fixture, fixture.Layout.Build());
        await File.WriteAllTextAsync(fixture.Scratch["dir/manifest.json"], """{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[]}""", TestContext.Current.CancellationToken);
        await fixture.AssertRefusedFromAsync(Source(fixture), "schema 1", ImportStage.Verify);
        await File.WriteAllTextAsync(fixture.Scratch["dir/version"], "Directory Transport Version: 9\n", TestContext.Current.CancellationToken);
        await fixture.AssertRefusedFromAsync(Source(fixture), "Version: 9", ImportStage.Verify);
        File.Delete(fixture.Scratch["dir/version"]);
        await fixture.AssertRefusedFromAsync(Source(fixture), "no file version");
    }

    [Fact]
    public async Task B10_a_manifest_that_is_a_link_is_refused()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        Flatten(fixture, fixture.Layout.Build());
        File.Move(fixture.Scratch["dir/manifest.json"], fixture.Scratch["elsewhere"]);
        File.CreateSymbolicLink(fixture.Scratch["dir/manifest.json"], fixture.Scratch["elsewhere"]);
        await fixture.AssertRefusedFromAsync(Source(fixture), "ELOOP", ImportStage.Verify);
    }

    [Fact]
    public async Task B10_layers_that_are_more_than_the_limit_as_they_are_stored_are_refused_before_one_is_read()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(Rootfs);
        Flatten(fixture, fixture.Layout.Build());
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(fixture.Scratch["dir/manifest.json"], TestContext.Current.CancellationToken))!;
        manifest["layers"]![0]!["size"] = long.MaxValue;
        await File.WriteAllTextAsync(fixture.Scratch["dir/manifest.json"], manifest.ToJsonString(), TestContext.Current.CancellationToken);
        await fixture.AssertRefusedFromAsync(Source(fixture), "as they are stored", ImportStage.Verify);
    }

    private static string Source(ImportFixture fixture) => $"dir:{fixture.Scratch["dir"]}";

    /// <summary>Makes a directory of that form of a layout.</summary>
    private static Digest Flatten(ImportFixture fixture, Digest root)
    {
        Directory.CreateDirectory(fixture.Scratch["dir"]);
        foreach (var blob in Directory.EnumerateFiles(fixture.Scratch["layout/blobs/sha256"])) File.Copy(blob, Path.Combine(fixture.Scratch["dir"], Path.GetFileName(blob)));
        File.Move(fixture.Scratch[$"dir/{root.Hex}"], fixture.Scratch["dir/manifest.json"]);
        File.WriteAllText(fixture.Scratch["dir/version"], "Directory Transport Version: 1.1\n");
        return root;
    }
}
