using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Tests.Importer;

/// <summary>Patterns and their order, without a rootfs.</summary>
public sealed class SplitRuleTests
{
    [Theory]
    [InlineData("/", "/", true)]
    [InlineData("/", "/anything/below", true)]
    [InlineData("/home", "/home", true)]
    [InlineData("/home", "/home/a/b", true)]
    [InlineData("/home", "/homes", false)]
    [InlineData("/home", "/", false)]
    [InlineData("//home/./", "/home", true)]
    [InlineData("/home/*", "/home", false)]
    [InlineData("/home/*", "/home/a", true)]
    [InlineData("/home/*", "/home/a/b", true)]
    [InlineData("/home/*/x", "/home/a/x", true)]
    [InlineData("/home/*/x", "/home/a/b/x", false)]
    [InlineData("/home/**", "/home", false)]
    [InlineData("/home/**", "/home/a", true)]
    [InlineData("/home/**/x", "/home/x", true)]
    [InlineData("/home/**/x", "/home/a/b/c/x/y", true)]
    [InlineData("/home/**/x", "/home/a/b/c/xx", false)]
    [InlineData("/**/__pycache__", "/usr/lib/python3/__pycache__", true)]
    [InlineData("/**/__pycache__", "/__pycache__", true)]
    [InlineData("/**/a/**/b", "/x/a/y/b", true)]
    [InlineData("/**/a/**/b", "/x/b/y/a", false)]
    [InlineData("/**/a/**/b", "/a/a/c/b", true)]
    [InlineData("/**/**/a", "/x/y/a", true)]
    [InlineData("/**", "/", false)]
    [InlineData("/**", "/a", true)]
    [InlineData("/lib*", "/lib", true)]
    [InlineData("/lib*", "/lib64/x", true)]
    [InlineData("/*.so.*", "/a.so.1", true)]
    [InlineData("/*.so.*", "/a.so", false)]
    [InlineData("/a*b*c", "/axxbxxbc", true)]
    [InlineData("/a*b*c", "/axxbxx", false)]
    [InlineData("/a?c", "/abc", true)]
    [InlineData("/a?c", "/aéc", true)]
    [InlineData("/a?c", "/ac", false)]
    [InlineData("/[a-c]x", "/bx", true)]
    [InlineData("/[a-c]x", "/dx", false)]
    [InlineData("/[!a-c]x", "/dx", true)]
    [InlineData("/[^a-c]x", "/ax", false)]
    [InlineData("/[]]", "/]", true)]
    [InlineData("/[a-]", "/-", true)]
    [InlineData("/[\\]a]", "/]", true)]
    [InlineData("/\\*", "/*", true)]
    [InlineData("/\\*", "/a", false)]
    [InlineData("/\\[a\\]", "/[a]", true)]
    [InlineData("/a**b", "/axb", true)]
    [InlineData("/.*", "/.hidden", true)]
    [InlineData("/*", "/.hidden", true)]
    [InlineData("/a/", "/a", true)]
    public void A_pattern_matches_a_path_or_a_directory_above_it(string pattern, string path, bool matches) =>
        Assert.Equal(matches, new RootfsSplit([new SplitRule(isEditable: true, pattern)]).IsEditable(path));

    [Theory]
    [InlineData("editable /a", "readonly /a/b", "/a/b/c", false)]
    [InlineData("readonly /a/b", "editable /a", "/a/b/c", true)]
    [InlineData("editable /a", "readonly /**/cache", "/a/x/cache/y", false)]
    [InlineData("readonly /**/cache", "editable /a", "/a/x/cache/y", true)]
    [InlineData("editable /a/*", "readonly /a/b", "/a/c", true)]
    [InlineData("editable /a/*", "readonly /a/b", "/a/b", false)]
    [InlineData("editable /a/*", "readonly /a/b", "/a", false)]
    public void The_last_rule_that_matches_decides(string first, string second, string path, bool editable) =>
        Assert.Equal(editable, new RootfsSplit([SplitRule.Parse(first), SplitRule.Parse(second)]).IsEditable(path));

    [Theory]
    [InlineData("readonly /", "/work", true)]
    [InlineData("readonly /", "/work/deep", true)]
    [InlineData("readonly /**", "/work/deep", true)]
    [InlineData("readonly /work/lib", "/work/lib/x", false)]
    [InlineData("readonly /**/lib", "/work/lib/x", false)]
    [InlineData("readonly /work/**", "/work", true)]
    [InlineData("readonly /work/**", "/work/lib", false)]
    public void What_is_required_is_editable_and_only_rules_of_what_is_below_speak_there(string rule, string path, bool editable) =>
        Assert.Equal(editable, new RootfsSplit([SplitRule.Parse(rule)]).WithRequired("/work").IsEditable(path));

    [Fact]
    public void A_requirement_takes_nothing_from_rules_that_agree_with_it() =>
        Assert.True(new RootfsSplit([SplitRule.Parse("readonly /work/lib"), SplitRule.Parse("editable /work")]).WithRequired("/work").IsEditable("/work/lib"));

    [Fact]
    public void A_required_path_is_no_pattern() => Assert.False(new RootfsSplit([]).WithRequired("/w*").IsEditable("/work"));

    [Fact]
    public void A_rule_that_names_what_is_required_is_refused_with_its_text() =>
        Assert.Contains("readonly /proc", Assert.Throws<RejectedRequestException>(() => new RootfsSplit([SplitRule.Parse("readonly /proc/")]).WithRequired("/proc")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("/home", "/home")]
    [InlineData("/a\\*b", "/a*b")]
    [InlineData("/a*", null)]
    [InlineData("/**/x", null)]
    [InlineData("/", "/")]
    public void A_plain_pattern_names_one_path(string pattern, string? path) => Assert.Equal(path, new SplitRule(isEditable: true, pattern).Path);

    [Theory]
    [InlineData("/a*b[c]?\\d")]
    [InlineData("/plain")]
    public void The_rule_of_a_path_is_read_back_as_it_was(string path)
    {
        var rule = SplitRule.Of(isEditable: true, path);
        Assert.Equal(path, rule.Path);
        Assert.Equal(rule, SplitRule.Parse(rule.ToString()));
        Assert.True(new RootfsSplit([rule]).IsEditable(path));
    }

    [Theory]
    [InlineData("/a[bc")]
    [InlineData("/a[")]
    [InlineData("/a\\")]
    [InlineData("/a/../b")]
    [InlineData("a")]
    [InlineData("")]
    [InlineData("**")]
    public void A_pattern_that_is_none_is_refused_and_named(string pattern)
    {
        var error = Assert.Throws<RejectedRequestException>(() => new SplitRule(isEditable: true, pattern, "split[3]"));
        Assert.Equal("split[3]", error.Field);
        Assert.Contains($"'{pattern}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("editable")]
    [InlineData("writable /home")]
    [InlineData("/home")]
    [InlineData("")]
    public void A_line_that_is_no_rule_is_refused_with_the_form(string text) =>
        Assert.Contains("editable PATTERN", Assert.Throws<RejectedRequestException>(() => SplitRule.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_pattern_that_would_go_back_for_ever_ends_soon() =>
        Assert.False(new RootfsSplit([new SplitRule(isEditable: true, "/" + string.Concat(Enumerable.Repeat("*a", 120)) + "b")]).IsEditable("/" + new string('a', 255)));

    [Fact]
    public void More_components_or_rules_than_anybody_needs_are_refused()
    {
        Assert.Throws<RejectedRequestException>(() => new SplitRule(isEditable: true, string.Concat(Enumerable.Repeat("/a", 60))));
        Assert.True(new RootfsSplit([new SplitRule(isEditable: true, string.Concat(Enumerable.Repeat("/a", 59)))]).IsEditable(string.Concat(Enumerable.Repeat("/a", 59))));
        Assert.Throws<RejectedRequestException>(() => new RootfsSplit(Enumerable.Repeat(new SplitRule(isEditable: true, "/a"), 1025)));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_met_by_wildcards_alone()
    {
        byte[] name = [(byte)'a', 0xFF, (byte)'b'];
        Assert.True(new RootfsSplit([new SplitRule(isEditable: true, "/a?b")]).Root.Enter(name, isDirectory: true).IsEditable);
        Assert.False(new RootfsSplit([new SplitRule(isEditable: true, "/a\uFFFDb")]).Root.Enter(name, isDirectory: true).IsEditable);
    }

    [Fact]
    public void A_pattern_with_a_slash_at_its_end_matches_no_file()
    {
        var split = new RootfsSplit([SplitRule.Parse("editable /d"), SplitRule.Parse("readonly /d/*/")]);
        var d = split.Root.Enter("d"u8, isDirectory: true);
        Assert.Equal((true, false), (d.Enter("x"u8, isDirectory: false).IsEditable, d.Enter("x"u8, isDirectory: true).IsEditable));
    }
}
