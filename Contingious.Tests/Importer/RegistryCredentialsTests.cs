using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Importer.Sources;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Not beside each other: the places are those of this process's environment.</summary>
[Collection(nameof(RegistryCredentialsTests))]
[CollectionDefinition(nameof(RegistryCredentialsTests), DisableParallelization = true)]
public sealed class RegistryCredentialsTests : IDisposable
{
    private static readonly string[] Variables = ["REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME"];

    private readonly ScratchDirectory scratch = new();
    private readonly Dictionary<string, string?> before = Variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);

    public RegistryCredentialsTests()
    {
        foreach (var name in Variables) Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("HOME", scratch["home"]);
        Environment.SetEnvironmentVariable("XDG_RUNTIME_DIR", scratch["run"]);
    }

    [Fact]
    public void Without_a_file_there_are_none()
    {
        Assert.Null(RegistryCredentials.Read(null));
    }

    [Fact]
    public void Those_of_the_usual_places_are_put_together_and_the_earlier_one_wins()
    {
        Write("run/containers/auth.json", """{"auths":{"a":{"auth":"1"}}}""");
        Write("home/.config/containers/auth.json", """{"auths":{"a":{"auth":"2"},"b":{"auth":"2"}}}""");
        Write("home/.docker/config.json", """{"auths":{"c":{"auth":"3"}},"credHelpers":{"d":"helper"},"HttpHeaders":{}}""");
        var all = Read(null);
        Assert.Equal(["1", "2", "3"], new[] { "a", "b", "c" }.Select(registry => all["auths"]![registry]!["auth"]!.GetValue<string>()));
        Assert.Equal("helper", all["credHelpers"]!["d"]!.GetValue<string>());
    }

    [Fact]
    public void A_file_that_is_named_is_the_only_one()
    {
        Write("run/containers/auth.json", """{"auths":{"a":{"auth":"1"}}}""");
        Write("named.json", """{"auths":{"b":{"auth":"2"}}}""");
        Write("variable.json", """{"auths":{"c":{"auth":"3"}}}""");
        Environment.SetEnvironmentVariable("REGISTRY_AUTH_FILE", scratch["variable.json"]);
        Assert.Equal(["b"], Read(scratch["named.json"])["auths"]!.AsObject().Select(entry => entry.Key));
        Assert.Equal(["c"], Read(null)["auths"]!.AsObject().Select(entry => entry.Key));
    }

    [Fact]
    public void A_named_file_that_is_missing_or_damaged_is_an_error_that_quotes_nothing_of_it()
    {
        Assert.Contains(scratch["absent"], Assert.Throws<RejectedRequestException>(() => RegistryCredentials.Read(scratch["absent"])).Message, StringComparison.Ordinal);
        Write("bad.json", "{\"auths\":{\"a\":{\"auth\":\"S3CRET");
        var error = Assert.Throws<RejectedRequestException>(() => RegistryCredentials.Read(scratch["bad.json"]));
        Assert.Contains(scratch["bad.json"], error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("S3CRET", error.ToString(), StringComparison.Ordinal);
        Write("list.json", "[]");
        Assert.Throws<RejectedRequestException>(() => RegistryCredentials.Read(scratch["list.json"]));
    }

    [Fact]
    public void What_was_read_is_in_memory_and_cannot_be_changed()
    {
        Write("named.json", """{"auths":{}}""");
        using var file = RegistryCredentials.Read(scratch["named.json"])!;
        File.Delete(scratch["named.json"]);
        Assert.Equal("""{"auths":{}}""", File.ReadAllText(file.Path));
        Assert.ThrowsAny<Exception>(() => File.WriteAllText(file.Path, "x"));
        Assert.Equal("""{"auths":{}}""", File.ReadAllText(file.Path));
    }

    [Theory]
    [InlineData("docker://host/name", true)]
    [InlineData("containerfile:.", true)]
    [InlineData("some/recipe:v1", true)]
    [InlineData("oci:dir", false)]
    [InlineData("rootfs-tar:-", false)]
    public void They_are_asked_for_where_a_registry_may_be(string what, bool may) => Assert.Equal(may, RegistryCredentials.AreFor(what));

    public void Dispose()
    {
        foreach (var (name, value) in before) Environment.SetEnvironmentVariable(name, value);
        scratch.Dispose();
    }

    private static JsonObject Read(string? named)
    {
        using var file = RegistryCredentials.Read(named)!;
        return JsonNode.Parse(File.ReadAllText(file.Path))!.AsObject();
    }

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(scratch[name])!);
        File.WriteAllText(scratch[name], content);
    }
}
