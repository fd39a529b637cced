using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Pulling from a real registry by a real skopeo.</summary>
[Trait("Needs", "keeper")]
public sealed class RegistrySourceTests(PrivateRegistry registry, ClosedRegistry closed) : IClassFixture<PrivateRegistry>, IClassFixture<ClosedRegistry>
{
    private static readonly string[] Preserve = ["--preserve-digests"];

    [Theory]
    [InlineData("oci")]
    [InlineData("v2s2")]
    public async Task The_digest_is_the_one_of_the_registry_whichever_form_it_has(string format)
    {
        using var fixture = Filled();
        var name = $"forms/{format}:v1";
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", name, "--format", format);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{registry.Address}/v2/forms/{format}/manifests/v1");
        request.Headers.Accept.ParseAdd("application/vnd.docker.distribution.manifest.v2+json");
        request.Headers.Accept.ParseAdd(LayoutBuilder.ManifestType);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        var image = await fixture.ImportFromAsync(Source(name), Open);

        Assert.Equal(answer.Headers.GetValues("Docker-Content-Digest").Single(), image.Digest.ToString());
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(image.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_unchanged_image_is_known_before_a_layer_is_copied()
    {
        using var fixture = Filled("unchanged");
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "unchanged", Preserve);
        var first = await fixture.ImportFromAsync(Source("unchanged"), Open);
        // The registry has lost its layers: whoever asks for one fails.
        foreach (var layer in Layers(fixture, first.Digest)) File.Delete(registry.PathOf(layer));
        fixture.Progress.Clear();

        var again = await fixture.ImportFromAsync(Source("unchanged"), request => Open(request) with { Name = ImageReference.Parse("other") });

        Assert.Equal(first.Digest, again.Digest);
        Assert.Equal(["other", "test"], again.Names.Select(name => name.ToString()));
        Assert.Contains(fixture.Progress, line => line.StartsWith("unchanged", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<ImportException>(() => fixture.ImportFromAsync(Source("unchanged"), request => Open(request) with { Editable = ["/bin"] }));
        Assert.Equal(ImportStage.Fetch, error.Stage);
    }

    [Fact]
    public async Task A_pinned_digest_is_had_even_where_the_tag_went_on()
    {
        using var fixture = Filled();
        var old = fixture.Layout.Build();
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "pinned:v1", Preserve);
        using var newer = Filled("y");
        await registry.PushAsync($"oci:{newer.Scratch["layout"]}:latest", "pinned:v1", Preserve);

        Assert.Equal(old, (await fixture.ImportFromAsync(Source($"pinned:v1@{old}"), Open)).Digest);
        Assert.NotEqual(old, (await fixture.ImportFromAsync(Source("pinned:v1"), Open)).Digest);
    }

    [Fact]
    public async Task B10_a_registry_that_answers_a_pin_with_another_image_is_refused()
    {
        // An image of its own: the registry keeps equal blobs of all repositories once.
        using var fixture = Filled("lying");
        var digest = fixture.Layout.Build();
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "lying", Preserve);
        var manifest = await File.ReadAllTextAsync(registry.PathOf(digest), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(registry.PathOf(digest), manifest.Replace("\"layers\"", " \"layers\"", StringComparison.Ordinal), TestContext.Current.CancellationToken);

        await fixture.AssertRefusedFromAsync(Source($"lying@{digest}"), "", change: Open);
    }

    [Fact]
    public async Task B10_a_layer_that_the_registry_changed_is_refused()
    {
        using var fixture = Filled("changed");
        var digest = fixture.Layout.Build();
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "changed", Preserve);
        var layer = Layers(fixture, digest).Single();
        var content = await File.ReadAllBytesAsync(registry.PathOf(layer), TestContext.Current.CancellationToken);
        content[^1] ^= 1;
        await File.WriteAllBytesAsync(registry.PathOf(layer), content, TestContext.Current.CancellationToken);

        await fixture.AssertRefusedFromAsync(Source("changed"), "", change: Open);
    }

    [Fact]
    public async Task Of_an_index_the_platform_is_chosen_that_was_asked_for_or_else_the_hosts()
    {
        using var fixture = Filled();
        var here = fixture.Layout.Build();
        fixture.Layout.Platform = "\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"";
        var elsewhere = fixture.Layout.Another().Layer(new TarBuilder().File("bin/tool", "arm", mode: 0x1ED).Build()).Build();
        fixture.Layout.BuildIndex(
            ("""{"os":"linux","architecture":"arm64","variant":"v8"}""", elsewhere),
            ("""{"os":"linux","architecture":"amd64"}""", here),
            ("""{"os":"unknown","architecture":"unknown"}""", elsewhere));
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "many", "--all", Preserve[0]);

        Assert.Equal(here, (await fixture.ImportFromAsync(Source("many"), Open)).Digest);
        Assert.Equal(elsewhere, (await fixture.ImportFromAsync(Source("many"), request => Open(request) with { Platform = "linux/arm64" })).Digest);
        var error = await Assert.ThrowsAsync<ImportException>(() => fixture.ImportFromAsync(Source("many"), request => Open(request) with { Platform = "linux/s390x" }));
        Assert.Contains("no image for linux/s390x. It has: linux/arm64/v8, linux/amd64.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_open_a_closed_registry_and_nothing_else_does()
    {
        using var fixture = Filled();
        await closed.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "secret");
        var source = $"docker://{closed.Address}/secret";
        await fixture.AssertRefusedFromAsync(source, "authentication required", change: Open);
        await fixture.AssertRefusedFromAsync(source, "authentication required", change: With(closed.AuthFile("wrong")));
        await fixture.AssertRefusedFromAsync(source, "authentication required", change: With(closed.AuthFile(PrivateRegistry.Password, "other.example")));

        var image = await fixture.ImportFromAsync(source, With(closed.AuthFile(PrivateRegistry.Password)));

        Assert.Equal(["echo", "hi"], image.Config.Cmd);
        Assert.DoesNotContain(fixture.Progress, line => line.Contains(PrivateRegistry.Password, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_containerfile_builds_from_an_image_of_a_closed_registry()
    {
        using var fixture = Filled();
        await closed.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "base");
        Directory.CreateDirectory(fixture.Scratch["context"]);
        await File.WriteAllTextAsync(fixture.Scratch["context/Containerfile"], $"FROM {closed.Address}/base\nCMD [\"built\"]\n", TestContext.Current.CancellationToken);
        var source = $"containerfile:{fixture.Scratch["context"]}";
        await fixture.AssertRefusedFromAsync(source, "authentication required", change: Open);

        var image = await fixture.ImportFromAsync(source, With(closed.AuthFile(PrivateRegistry.Password)));

        Assert.Equal(["built"], image.Config.Cmd);
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(image.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_registry_without_TLS_is_refused_unless_that_is_said_to_be_fine()
    {
        using var fixture = Filled();
        await registry.PushAsync($"oci:{fixture.Scratch["layout"]}:latest", "plain");
        await fixture.AssertRefusedFromAsync(Source("plain"), "HTTPS");
    }

    [Theory]
    [InlineData("docker:name")]
    [InlineData("docker://")]
    [InlineData("docker://--help")]
    [InlineData("docker://host/name@sha256:abc")]
    [InlineData("docker://host/na me")]
    [InlineData("docker://host/name:")]
    public async Task What_is_no_image_of_a_registry_is_refused_before_anybody_is_asked(string source)
    {
        using var fixture = new ImportFixture();
        await Assert.ThrowsAsync<RejectedRequestException>(() => fixture.ImportFromAsync(source));
    }

    private string Source(string name) => $"docker://{registry.Address}/{name}";

    private static ImportRequest Open(ImportRequest request) => request with { Registry = new RegistryAccess { VerifyTls = false } };

    private static Func<ImportRequest, ImportRequest> With(string authFile) => request => request with { Registry = new RegistryAccess { VerifyTls = false, AuthFile = authFile } };

    private static ImportFixture Filled(string content = "x")
    {
        Privileges.NeedRoot();
        var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("bin/tool", content, mode: 0x1ED).Directory("work", uid: 1000, gid: 1000).Build()).Build();
        return fixture;
    }

    private static List<Digest> Layers(ImportFixture fixture, Digest manifest) =>
        [.. JsonNode.Parse(File.ReadAllBytes(fixture.Layout.PathOf(manifest)))!["layers"]!.AsArray().Select(layer => Digest.Parse(layer!["digest"]!.GetValue<string>()))];
}
