using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class RecipeTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public void A_recipe_is_found_by_name_and_its_paths_are_relative_to_its_folder()
    {
        Write("hello", """{ "source": "containerfile:.", "hostFiles": {"busybox": "/bin/busybox"}, "editable": ["/work"], "readonly": ["/work/lib"], "cmd": ["a", "b"], "user": "1000", "workingDir": "/work", /* why */ "env": {"A": "b"}, }""");
        var request = Book().Find("hello:v1");
        Assert.Equal(("hello:v1", $"containerfile:{scratch["hello"]}", "1000", "/work"), (request.Name.ToString(), request.Source, request.Overrides.User, request.Overrides.WorkingDir));
        Assert.Equal(["/work"], request.Editable);
        Assert.Equal(["/work/lib"], request.ReadOnly);
        Assert.Equal("/bin/busybox", request.HostFiles["busybox"]);
        Assert.Equal(["a", "b"], request.Overrides.Cmd);
    }

    [Fact]
    public void A_recipe_names_the_engine_that_clones_it_and_split_is_what_nobody_names()
    {
        Write("plain", """{ "source": "oci:x" }""");
        Write("whole", """{ "source": "oci:x", "cloneEngine": "overlay" }""");
        Assert.Equal(CloneEngine.Split, Book().Find("plain").CloneEngine);
        Assert.Equal(CloneEngine.Overlay, Book().Find("whole").CloneEngine);
    }

    [Fact]
    public void A_recipe_has_ordered_rules_or_two_lists_and_not_both()
    {
        Write("ordered", """{ "source": "oci:x", "split": ["readonly /a/b", "editable /a"] }""");
        Write("both", """{ "source": "oci:x", "split": ["editable /a"], "readonly": ["/b"] }""");
        Assert.Equal(["readonly /a/b", "editable /a"], Book().Find("ordered").Rules().Rules.Select(rule => rule.ToString()));
        Assert.Equal("split", Assert.Throws<RejectedRequestException>(() => Book().Find("both").Rules()).Field);
    }

    [Theory]
    [InlineData("oci:layout:v1", "oci:{0}/layout:v1")]
    [InlineData("oci-archive:../image.tar", "oci-archive:{1}/image.tar")]
    [InlineData("rootfs-tar:root.tar.zst", "rootfs-tar:{0}/root.tar.zst")]
    [InlineData("rootfs-tar:-", "rootfs-tar:-")]
    [InlineData("debian:bookworm,gcc", "debian:bookworm,gcc")]
    [InlineData("docker://localhost:5000/a/b:c", "docker://localhost:5000/a/b:c")]
    public void Only_paths_of_this_host_are_anchored(string source, string expected)
    {
        Write("image", $$"""{ "source": "{{source}}" }""");
        Assert.Equal(string.Format(System.Globalization.CultureInfo.InvariantCulture, expected, scratch["image"], scratch.Root), Book().Find("image").Source);
    }

    [Fact]
    public void A_missing_recipe_is_answered_with_where_it_was_looked_for_and_what_there_is()
    {
        Write("one", """{ "source": "oci:x" }""");
        Write("two", """{ "source": "oci:x" }""");
        Directory.CreateDirectory(scratch["no-recipe"]);
        var error = Assert.Throws<RejectedRequestException>(() => new RecipeBook([scratch["absent"], scratch.Root]).Find("three"));
        Assert.Contains($"Looked in {scratch["absent"]}, {scratch.Root}; there are: one, two.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../etc")]
    [InlineData("/etc")]
    [InlineData("Upper")]
    public void A_name_that_is_a_path_is_refused(string name) => Assert.Throws<RejectedRequestException>(() => Book().Find(name));

    [Theory]
    [InlineData("""{ "source": "oci:x", "editabel": [] }""", "editabel")]
    [InlineData("""{ "source": "oci:x", "cloneEngine": "reflink" }""", "cloneEngine")]
    [InlineData("""{ "source": "oci:x", "cloneEngine": 7 }""", "cloneEngine")]
    [InlineData("{ }", "source")]
    [InlineData("""{ "source": 1 }""", "source")]
    [InlineData("not json", "line")]
    [InlineData("null", "empty")]
    public void A_recipe_that_is_wrong_is_refused_and_says_where(string content, string mentioned)
    {
        Write("bad", content);
        var message = Assert.Throws<RejectedRequestException>(() => Book().Find("bad")).Message;
        Assert.Contains(scratch["bad/image.json"], message, StringComparison.Ordinal);
        Assert.Contains(mentioned, message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("")]
    [InlineData("oci:")]
    public async Task An_unknown_source_is_refused_with_those_that_are_known(string source)
    {
        using var fixture = new ImportFixture();
        var error = await Assert.ThrowsAsync<RejectedRequestException>(() => ImportAsync(fixture, source));
        Assert.Contains("docker://", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_layout_or_context_that_is_not_one_is_refused_and_leaves_nothing()
    {
        using var fixture = new ImportFixture();
        foreach (var source in new[] { $"oci:{scratch.Root}", $"containerfile:{scratch.Root}" })
        {
            var error = await Assert.ThrowsAsync<ImportException>(() => ImportAsync(fixture, source));
            Assert.Equal(ImportStage.Fetch, error.Stage);
            Assert.Contains(scratch.Root, error.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
        }
    }

    public void Dispose() => scratch.Dispose();

    private static Task<Image> ImportAsync(ImportFixture fixture, string source) => fixture.Importer.ImportAsync(
        new ImportRequest { Name = ImageReference.Parse("test"), Source = source }, null, TestContext.Current.CancellationToken);

    private RecipeBook Book() => new([scratch.Root]);

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(scratch[name]);
        File.WriteAllText(scratch[$"{name}/image.json"], content);
    }
}
