using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>What a real buildah keeps. That the storage is the one that the account has outside of the keeper, eng/checks/image-sources.sh sees.</summary>
[Trait("Needs", "keeper")]
public sealed class StorageSourceTests
{
    [Theory]
    [InlineData("vfs")]
    [InlineData("overlay")]
    public async Task An_image_of_a_storage_that_is_named_is_imported(string driver)
    {
        using var fixture = Need();
        var storage = $"[{driver}@{fixture.Scratch["graph"]}+{fixture.Scratch["run"]}]";
        string[] where = ["--storage-driver", driver, "--root", fixture.Scratch["graph"], "--runroot", fixture.Scratch["run"]];
        await MakeAsync(fixture, where, "work", "localhost/kept:v1");

        var image = await fixture.ImportFromAsync($"containers-storage:{storage}localhost/kept:v1");

        Assert.Equal(["kept"], image.Config.Cmd);
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(image.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
        fixture.Progress.Clear();
        Assert.Equal(image.Digest, (await fixture.ImportFromAsync($"containers-storage:{storage}localhost/kept:v1")).Digest);
        Assert.Contains(fixture.Progress, line => line.StartsWith("unchanged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Images_and_working_containers_of_the_accounts_own_storage_are_imported_and_stay()
    {
        using var fixture = Need();
        var name = $"contingious-test-{Guid.NewGuid():N}";
        try
        {
            await MakeAsync(fixture, [], name, $"localhost/{name}");
            var before = await BuildahAsync(fixture, "containers", "--json");

            var image = await fixture.ImportFromAsync($"containers-storage:localhost/{name}:latest");
            var container = await fixture.ImportFromAsync($"buildah:{name}");

            Assert.Equal(["kept"], image.Config.Cmd);
            Assert.Equal(["kept"], container.Config.Cmd);
            Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(container.ReadOnlyDirectory, "bin/tool"), TestContext.Current.CancellationToken));
            Assert.Equal(before, await BuildahAsync(fixture, "containers", "--json"));
        }
        finally
        {
            await BuildahAsync(fixture, "rm", name);
            await BuildahAsync(fixture, "rmi", $"localhost/{name}");
        }
    }

    [Fact]
    public async Task What_is_not_there_is_said_and_leaves_nothing()
    {
        using var fixture = Need();
        await fixture.AssertRefusedFromAsync("buildah:no-such-container", "no-such-container");
        await fixture.AssertRefusedFromAsync("containers-storage:localhost/no-such-image", "no-such-image");
    }

    [Fact]
    public async Task Without_a_Docker_daemon_it_is_said_that_there_is_none_and_what_to_do()
    {
        if (File.Exists("/var/run/docker.sock")) Assert.Skip("There is a Docker daemon here.");
        using var fixture = new ImportFixture();
        var error = await Assert.ThrowsAsync<HostNotReadyException>(() => fixture.ImportFromAsync("docker-daemon:alpine:latest"));
        Assert.Contains("docker-archive:FILE", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
    }

    [Theory]
    [InlineData("buildah:--help")]
    [InlineData("buildah:a b")]
    [InlineData("buildah:")]
    public async Task What_is_no_name_of_a_container_is_refused(string source)
    {
        using var fixture = new ImportFixture();
        await Assert.ThrowsAsync<RejectedRequestException>(() => fixture.ImportFromAsync(source));
    }

    private static ImportFixture Need()
    {
        Privileges.NeedRoot();
        Privileges.Need(ProgramRunner.Find("buildah") is not null, "buildah is not installed");
        return new ImportFixture();
    }

    /// <summary>A working container with a file and a command, and an image of it.</summary>
    private static async Task MakeAsync(ImportFixture fixture, string[] where, string container, string image)
    {
        Directory.CreateDirectory(fixture.Scratch["content/bin"]);
        await File.WriteAllTextAsync(fixture.Scratch["content/bin/tool"], "x", TestContext.Current.CancellationToken);
        await BuildahAsync(fixture, [.. where, "from", "--name", container, "scratch"]);
        await BuildahAsync(fixture, [.. where, "copy", container, fixture.Scratch["content"], "/"]);
        await BuildahAsync(fixture, [.. where, "config", "--cmd", "kept", container]);
        await BuildahAsync(fixture, [.. where, "commit", "--signature-policy", fixture.Scratch["policy.json"], "--quiet", container, image]);
    }

    private static async Task<string> BuildahAsync(ImportFixture fixture, params string[] args)
    {
        await File.WriteAllTextAsync(fixture.Scratch["policy.json"], """{"default":[{"type":"insecureAcceptAnything"}]}""", TestContext.Current.CancellationToken);
        var request = new ProgramRequest("buildah", args)
        {
            Env = new Dictionary<string, string>(ProgramRunner.BareEnvironment)
            {
                ["HOME"] = Environment.GetEnvironmentVariable("HOME") ?? "/",
                ["_CONTAINERS_USERNS_CONFIGURED"] = "done",
                ["_CONTAINERS_ROOTLESS_UID"] = Credentials.OuterUid(0).ToString(CultureInfo.InvariantCulture),
            },
        };
        return (await ProgramRunner.RequireAsync(request, TestContext.Current.CancellationToken)).StdoutText;
    }
}
