using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>The real thing: buildah builds the image that the project ships, inside a keeper's user namespace.</summary>
[Trait("Needs", "keeper")]
public sealed class ContainerfileImportTests
{
    [Fact]
    public async Task The_hello_world_image_is_built_cut_and_published()
    {
        NeedKeeper("buildah", "/bin/busybox");
        using var fixture = new ImportFixture();
        var request = new RecipeBook([$"{Repository.Root}/images"]).Find("alpine-hello-world");

        var image = await fixture.Importer.ImportAsync(request, null, TestContext.Current.CancellationToken);

        Assert.Equal(["echo", "Hello World"], image.Config.Cmd);
        Assert.Equal(("1000:1000", "/work", "/home/student"), (image.Config.User, image.Config.WorkingDir, image.Config.Env["HOME"]));
        Assert.Contains("/bin", image.ReadOnlyMounts);
        Assert.Contains("/etc", image.ReadOnlyMounts);
        using var editable = DirectoryHandle.Open(image.EditableDirectory);
        using var readOnly = DirectoryHandle.Open(image.ReadOnlyDirectory);
        Assert.Equal((FileKind.Directory, 1000u), (editable.TryStatus("work"u8)?.Kind, editable.TryStatus("work"u8)?.Uid));
        using var bin = readOnly.OpenDirectory("bin");
        Assert.Equal((FileKind.Regular, 0x1EDu, 0u), (bin.TryStatus("busybox"u8)?.Kind, bin.TryStatus("busybox"u8)?.Permissions, bin.TryStatus("busybox"u8)?.Uid));
        foreach (var applet in new[] { "echo", "sh", "awk" }) Assert.NotNull(bin.TryStatus(TarBuilder.Bytes(applet)));
        Assert.InRange(image.EditableBytes, 0, 64 << 10);
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Fact]
    public async Task A_build_that_fails_is_quoted_and_leaves_nothing()
    {
        NeedKeeper("buildah");
        using var fixture = new ImportFixture();
        Directory.CreateDirectory(fixture.Scratch["context"]);
        await File.WriteAllTextAsync(fixture.Scratch["context/Containerfile"], "FROM scratch\nCOPY nothing-of-that-name /\n", TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<ImportException>(() => ImportAsync(fixture, $"containerfile:{fixture.Scratch["context"]}"));
        Assert.Equal(ImportStage.Fetch, error.Stage);
        Assert.Contains("nothing-of-that-name", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    [InlineData("dir")]
    public async Task What_skopeo_can_copy_can_be_imported(string transport)
    {
        NeedKeeper("skopeo");
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().File("bin/tool", "x", mode: 0x1ED).Directory("work", uid: 1000, gid: 1000).Build()).Build();
        await File.WriteAllTextAsync(fixture.Scratch["policy.json"], """{"default":[{"type":"insecureAcceptAnything"}]}""", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(fixture.Scratch["tmp"]);
        var packed = $"{transport}:{fixture.Scratch["packed"]}";
        await ProgramRunner.RequireAsync(
            new ProgramRequest("skopeo", "--policy", fixture.Scratch["policy.json"], "--tmpdir", fixture.Scratch["tmp"], "copy", $"oci:{fixture.Scratch["layout"]}:latest", packed),
            TestContext.Current.CancellationToken);

        var image = await ImportAsync(fixture, packed);

        Assert.Equal("x", File.ReadAllText(Path.Combine(image.ReadOnlyDirectory, "bin/tool")));
        Assert.Equal(["echo", "hi"], image.Config.Cmd);
    }

    private static Task<Image> ImportAsync(ImportFixture fixture, string source) => fixture.Importer.ImportAsync(
        new ImportRequest { Name = ImageReference.Parse("test"), Source = source }, null, TestContext.Current.CancellationToken);

    private static void NeedKeeper(params string[] programs)
    {
        Privileges.NeedRoot();
        foreach (var program in programs) Privileges.Need(ProgramRunner.Find(program) is not null, $"{program} is not installed");
    }
}
