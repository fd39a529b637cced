using System.CommandLine;
using System.Text.Json;
using Contingious.Agent.Cli;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Importer.Splitting;
using Contingious.Importer.Splitting.Learning;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>What the command line understands of an import, and what it says at its end.</summary>
public sealed class ImportReportTests
{
    private static readonly ImportRequest recipe = new() { Name = ImageReference.Parse("x"), Source = "oci:x", Editable = ["/srv"], ReadOnly = ["/srv/shared"] };

    [Theory]
    [InlineData("editable /srv; readonly /srv/shared")]
    [InlineData("editable /srv; readonly /srv/shared; readonly /srv/**/x", "--readonly", "/srv/**/x")]
    [InlineData("editable /a; readonly /a/b; editable /a/b/c", "--editable", "/a", "--readonly=/a/b", "--editable", "/a/b/c")]
    [InlineData("readonly /a/b; editable /a", "--readonly", "/a/b", "--editable", "/a")]
    [InlineData("editable /a", "--editable", "/a", "--", "--readonly", "/b")]
    public void Rules_of_the_command_line_keep_their_order(string expected, params string[] args)
    {
        var rules = new SplitOptions();
        var command = new RootCommand { new Argument<string[]>("rest") { Arity = ArgumentArity.ZeroOrMore } };
        rules.AddTo(command);
        Assert.Equal(expected, string.Join("; ", SplitOptions.Apply(command.Parse(args), recipe).Rules().Rules));
    }

    [Fact]
    public void What_the_command_line_says_of_the_config_goes_over_the_recipe()
    {
        var given = new ConfigOverrides { Entrypoint = ["e"], Cmd = ["c"], Env = new Dictionary<string, string> { ["A"] = "recipe", ["B"] = "recipe" }, User = "1", WorkingDir = "/r" };
        var result = Overrides(given, "--env", "A=x=y", "--env", "C=", "--user", "2:3", "--workdir", "/w");
        Assert.Equal(["e", "c", "2:3", "/w"], [.. result.Entrypoint!, .. result.Cmd!, result.User!, result.WorkingDir!]);
        Assert.Equal(["A=x=y", "B=recipe", "C="], result.Env!.Select(pair => $"{pair.Key}={pair.Value}").Order());
        Assert.Equal(["sh", "-c", "a b"], Overrides(given, "--cmd", """["sh","-c","a b"]""").Cmd);
        Assert.Equal(["a b"], Overrides(given, "--cmd", "a b").Cmd);
        Assert.Null(Overrides(given, "--entrypoint", "/init").Cmd);
        Assert.Equal(["/init"], Overrides(given, "--entrypoint", "/init").Entrypoint);
        Assert.Contains("JSON array", Assert.Throws<RejectedRequestException>(() => Overrides(given, "--cmd", "[sh")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_editable_part_is_told_with_its_largest_directories_and_the_rules_that_help()
    {
        using var fixture = new ImportFixture();
        var layer = new TarBuilder().Directory("home").Directory("home/s").Directory("home/s/.cache").Directory("work").Directory("work/data").Directory("srv").File("srv/small", "x");
        for (var i = 0; i < 1500; i++) layer.File($"home/s/.cache/f{i}").File($"work/f{i}");
        fixture.Layout.Layer(layer.Build()).Build();
        var image = await fixture.ImportAsync();
        var parts = EditableParts.Largest(image, new ImportRequest { Name = ImageReference.Parse("x"), Source = "oci:x" }.Rules());
        Assert.Equal(["/home/s/.cache", "/work"], parts.Select(part => part.Path).Order(StringComparer.Ordinal));
        Assert.Contains("--readonly /home/s/.cache", parts.Single(part => part.Path != "/work").Advice, StringComparison.Ordinal);
        Assert.Contains("--readonly /work/DIRECTORY", parts.Single(part => part.Path == "/work").Advice, StringComparison.Ordinal);
        var lines = Report(image, parts).Lines().ToList();
        Assert.Contains(lines, line => line.Contains("each submission copies 4 KiB in 30", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("that is much to copy", StringComparison.Ordinal));
        Assert.Contains("  making one copy took 3.1 ms", lines);
    }

    [Fact]
    public async Task A_small_one_is_not_warned_about()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("home").File("home/f").Build()).Build();
        var image = await fixture.ImportAsync();
        Assert.Empty(EditableParts.Largest(image, new RootfsSplit([])));
        Assert.Equal(3, Report(image, []).Lines().Count());
    }

    [Fact]
    public async Task Learned_rules_are_printed_as_a_recipe_has_them()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Layer(new TarBuilder().Directory("home").Build()).Build();
        var learned = new LearnedSplit([SplitRule.Parse("editable /a\\*b"), SplitRule.Parse("readonly /\"quoted\"")], [], []);
        var text = string.Join('\n', (Report(await fixture.ImportAsync(), []) with { Learned = learned }).Lines());
        var json = text[(text.IndexOf("\"split\":", StringComparison.Ordinal) + 8)..(text.IndexOf(']', StringComparison.Ordinal) + 1)];
        Assert.Equal(["editable /a\\*b", "readonly /\"quoted\""], JsonSerializer.Deserialize<string[]>(json)!);
    }

    private static ImportReport Report(Image image, IReadOnlyList<EditablePart> parts) =>
        new(ImageReference.Parse("x"), image, TimeSpan.FromMilliseconds(3.14), parts, null, []);

    private static ConfigOverrides Overrides(ConfigOverrides given, params string[] args)
    {
        var overrides = new OverrideOptions();
        var command = new RootCommand();
        overrides.AddTo(command);
        return overrides.Read(command.Parse(args), given);
    }
}
