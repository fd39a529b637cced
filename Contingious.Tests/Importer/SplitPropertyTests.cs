using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer.Splitting;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Random trees cut by random rules, against rules that are read as regular expressions path by path.</summary>
public sealed class SplitPropertyTests
{
    private const int Trees = 150;

    private static readonly string[] names = ["a", "b", "c", "ab", ".x", "a*", "ü", "long-name"];
    private static readonly string[] patterns = ["a", "b", "c", "?", "*", "**", "a*", "[ab]", "[!a]", "\\a\\*", ".*", "*-*", "ü"];

    [Fact]
    public void A_cut_tree_put_together_again_is_the_tree_that_it_was_and_everything_is_where_its_rule_says()
    {
        var cutOut = 0;
        for (var seed = 1; seed <= Trees; seed++) cutOut += Check(new Random(seed), seed);
        Assert.True(cutOut > Trees, $"only {cutOut} pieces were cut out of {Trees} trees: the test says little");
    }

    private static int Check(Random random, int seed)
    {
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["readonly"]);
        Directory.CreateDirectory(scratch["editable/etc"]);
        foreach (var file in RootfsSplit.SandboxFiles) File.WriteAllText(scratch[$"editable{file}"], file);
        Fill(random, scratch["editable"], 0);
        var original = Nodes(scratch["editable"]);
        var rules = Enumerable.Range(0, random.Next(1, 6)).Select(_ => SplitRule.Parse($"{(random.Next(2) == 0 ? "editable" : "readonly")} {Pattern(random)}")).ToList();
        var says = $"seed {seed}: {string.Join("; ", rules)}";

        RootfsCut cut;
        using (var editable = DirectoryHandle.Open(scratch["editable"]))
        using (var readOnly = DirectoryHandle.Open(scratch["readonly"]))
        {
            cut = new RootfsCutter(new RootfsSplit(rules), editable, readOnly, []).Cut();
        }

        var (left, right) = (Nodes(scratch["editable"]), Nodes(scratch["readonly"]));
        Assert.Empty(left.Values.Select(node => node.Inode).Intersect(right.Values.Select(node => node.Inode)));

        // Put together: what is bound hides the mount point, which is empty and otherwise the same.
        var together = left.ToDictionary(StringComparer.Ordinal);
        foreach (var mount in cut.Mounts)
        {
            Assert.True(left.TryGetValue(mount, out var point), $"{says}: {mount} has no mount point");
            Assert.Equal((right[mount].Kind, right[mount].Attributes), (point.Kind, point.Attributes));
            Assert.DoesNotContain(left.Keys, path => path.StartsWith(mount + "/", StringComparison.Ordinal));
            Assert.DoesNotContain(cut.Mounts, other => other.StartsWith(mount + "/", StringComparison.Ordinal));
            Assert.Equal(cut.Files.Contains(mount), point.Kind == FileKind.Regular);
            foreach (var (path, node) in right.Where(entry => entry.Key == mount || entry.Key.StartsWith(mount + "/", StringComparison.Ordinal))) together[path] = node;
        }

        Assert.Equal(original.Select(Shown), together.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(Shown));

        // Each in the tree that its rule says; beside something editable, small files and links are copied whatever they are.
        var oracle = new Oracle(rules, original);
        foreach (var (path, node) in original)
        {
            var isReadOnly = cut.Mounts.Any(mount => path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal));
            Assert.True(oracle.IsReadOnly(path, node.Kind) == isReadOnly, $"{says}: {path} is {(isReadOnly ? "read-only" : "editable")}");
        }

        return cut.Mounts.Count;
    }

    private static void Fill(Random random, string directory, int depth)
    {
        foreach (var name in names.Where(_ => random.Next(100) < 45))
        {
            var path = $"{directory}/{name}";
            switch (random.Next(depth < 3 ? 6 : 3))
            {
                case 0:
                    File.CreateSymbolicLink(path, names[random.Next(names.Length)]);
                    continue;
                case 1 or 2:
                    File.WriteAllText(path, random.Next().ToString(CultureInfo.InvariantCulture));
                    break;
                default:
                    Directory.CreateDirectory(path);
                    Fill(random, path, depth + 1);
                    break;
            }

            using var at = DirectoryHandle.Open(directory);
            if (Privileges.IsRoot) at.SetOwner(Encoding.UTF8.GetBytes(name), (uint)random.Next(3), (uint)random.Next(3));
            File.SetUnixFileMode(path, (UnixFileMode)(0x1C0 | random.Next(0x40) | (Directory.Exists(path) ? random.Next(2) << 9 : 0)));
            at.SetTimes(Encoding.UTF8.GetBytes(name), random.Next(1, 1_700_000_000), (uint)random.Next(1_000_000_000));
        }

        using var own = DirectoryHandle.Open(directory);
        own.SetTimes(random.Next(1, 1_700_000_000), 5);
    }

    private static string Pattern(Random random) =>
        "/" + string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => patterns[random.Next(patterns.Length)])) + (random.Next(8) == 0 ? "/" : "");

    private static SortedDictionary<string, Node> Nodes(string root)
    {
        var nodes = new SortedDictionary<string, Node>(StringComparer.Ordinal);
        using var top = DirectoryHandle.Open(root);
        nodes["/"] = Node.Of(top.Status(), "");
        Walk(top, "");
        return nodes;

        void Walk(DirectoryHandle directory, string path)
        {
            foreach (var name in directory.Entries())
            {
                var status = directory.TryStatus(name)!.Value;
                var child = $"{path}/{Encoding.UTF8.GetString(name)}";
                nodes[child] = Node.Of(status, status.Kind switch
                {
                    FileKind.Regular => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(root + child))),
                    FileKind.Symlink => Encoding.UTF8.GetString(directory.ReadLink(name)),
                    _ => "",
                });
                if (status.Kind != FileKind.Directory) continue;
                using var below = directory.OpenDirectory(name);
                Walk(below, child);
            }
        }
    }

    private static string Shown(KeyValuePair<string, Node> entry) => $"{entry.Key} {entry.Value.Kind} {entry.Value.Attributes} {entry.Value.Content}";

    private sealed record Node(FileKind Kind, string Attributes, string Content, ulong Inode)
    {
        public static Node Of(FileStatus status, string content) => new(
            status.Kind, string.Create(CultureInfo.InvariantCulture, $"{Convert.ToString(status.Permissions, 8)} {status.Uid}:{status.Gid} {status.ModifySeconds}.{status.ModifyNanoseconds}"), content, status.Inode);
    }

    /// <summary>The documentation's own words, the slow way.</summary>
    private sealed class Oracle(IReadOnlyList<SplitRule> rules, IReadOnlyDictionary<string, Node> tree)
    {
        private readonly List<(Regex Expression, SplitRule Rule)> expressions = [.. rules.Select(rule => (Expression(rule.Pattern), rule))];

        public bool IsReadOnly(string path, FileKind kind)
        {
            // Below a directory that is read-only as a whole, or such a directory.
            for (var at = kind == FileKind.Directory ? path : Parent(path); at != "/"; at = Parent(at))
            {
                if (!IsEditable(at) && !IsMixed(at)) return true;
            }

            // A file by itself, where the rule that decides names it and not a directory above it.
            return kind == FileKind.Regular && !RootfsSplit.SandboxFiles.Contains(path) && DeciderIndex(path) is var index and >= 0 && !rules[index].IsEditable && DeciderIndex(Parent(path)) != index;
        }

        private bool IsMixed(string directory) => tree.Any(entry =>
            entry.Key.StartsWith(directory + "/", StringComparison.Ordinal)
            && entry.Value.Kind is FileKind.Directory or FileKind.Regular
            && !(RootfsSplit.SandboxFiles.Contains(entry.Key) && IsEditable(directory))
            && IsEditable(entry.Key) != IsEditable(directory));

        private bool IsEditable(string path) => DeciderIndex(path) is var index and >= 0 && rules[index].IsEditable;

        private int DeciderIndex(string path)
        {
            for (var i = expressions.Count - 1; i >= 0; i--)
            {
                for (var at = path; ; at = Parent(at))
                {
                    if (Matches(expressions[i].Rule, at)) return i;
                    if (at == "/") break;
                }
            }

            return -1;
        }

        private bool Matches(SplitRule rule, string path) =>
            expressions.First(pair => ReferenceEquals(pair.Rule, rule)).Expression.IsMatch(path) && (!rule.Pattern.EndsWith('/') || tree[path].Kind == FileKind.Directory);

        private static string Parent(string path) => path.LastIndexOf('/') is var slash and > 0 ? path[..slash] : "/";

        private static Regex Expression(string pattern)
        {
            var parts = pattern.Trim('/').Split('/');
            var text = new StringBuilder("^");
            for (var i = 0; i < parts.Length; i++)
            {
                text.Append(parts[i] switch
                {
                    "**" when i == parts.Length - 1 => "(/[^/]+)+",
                    "**" => "(/[^/]+)*",
                    "[ab]" => "/[ab]",
                    "[!a]" => "/[^/a]",
                    "\\a\\*" => "/a\\*",
                    var part => "/(?=[^/])" + Regex.Escape(part).Replace("\\*", "[^/]*", StringComparison.Ordinal).Replace("\\?", "[^/]", StringComparison.Ordinal),
                });
            }

            return new Regex(text.Append("\\z").ToString(), RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture);
        }
    }
}
