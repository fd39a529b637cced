using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

/// <summary>Everything of a directory tree that setup could change: names, kinds, modes, owners, content. Two compare line by line.</summary>
internal static class TreeSnapshot
{
    public static IReadOnlyList<string> Of(string root) =>
        [.. Walk(root, "").Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Walk(string root, string relative)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(root + relative))
        {
            var name = $"{relative}/{Path.GetFileName(path)}";

            // passwd-, subuid-: the copies of before that the shadow tools always leave.
            if (name.StartsWith("/etc/", StringComparison.Ordinal) && name.EndsWith('-')) continue;
            var status = HostPath.TryStatus(path) ?? throw new IOException($"{path} went away.");
            var content = status.Kind == FileKind.Regular ? File.ReadAllText(path) : "";
            yield return $"{name} {status.Kind} {Convert.ToString(status.Permissions, 8)} {status.Uid}:{status.Gid} {content}";
            if (status.Kind != FileKind.Directory) continue;
            foreach (var line in Walk(root, name)) yield return line;
        }
    }
}
