using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Importer.Support;

/// <summary>Every entry of a tree as a line: kind, mode, owners, time, content, <c>user.test</c>, and the first name of its hard links.</summary>
internal static class TreeLines
{
    public static IReadOnlyList<string> Of(string directory)
    {
        using var root = DirectoryHandle.Open(directory);
        var found = new List<(string Path, FileStatus Status, string Content, string? Xattr)> { (".", root.Status(), "", Text(FileXattrs.TryGet(root, "user.test"u8))) };
        Walk(root, "");
        found.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        var firstNames = new Dictionary<ulong, string>();
        foreach (var (path, status, _, _) in found) firstNames.TryAdd(status.Inode, path);
        var shared = found.GroupBy(entry => entry.Status.Inode).Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet();
        return
        [
            .. found.Select(entry => Line(
                entry.Path,
                entry.Status.Kind == FileKind.Regular ? "File" : entry.Status.Kind.ToString(),
                entry.Status.Permissions,
                entry.Status.Uid,
                entry.Status.Gid,
                Time(entry.Status),
                entry.Content,
                entry.Xattr,
                shared.Contains(entry.Status.Inode) ? firstNames[entry.Status.Inode] : "")),
        ];

        void Walk(DirectoryHandle parent, string prefix)
        {
            foreach (var name in parent.Entries())
            {
                var status = parent.TryStatus(name)!.Value;
                var path = prefix + Encoding.UTF8.GetString(name);
                switch (status.Kind)
                {
                    case FileKind.Directory:
                        using (var below = parent.OpenDirectory(name))
                        {
                            found.Add((path, status, "", Text(FileXattrs.TryGet(below, "user.test"u8))));
                            Walk(below, path + "/");
                        }

                        break;
                    case FileKind.Regular:
                        using (var file = parent.OpenRead(name))
                        {
                            var content = new byte[status.Size];
                            _ = RandomAccess.Read(file, content, 0);
                            found.Add((path, status, Encoding.Latin1.GetString(content), Text(FileXattrs.TryGet(file, "user.test"u8))));
                        }

                        break;
                    case FileKind.Symlink:
                        found.Add((path, status, Encoding.UTF8.GetString(parent.ReadLink(name)), null));
                        break;
                    default:
                        throw new InvalidOperationException($"{path} is a {status.Kind}");
                }
            }
        }
    }

    public static string Line(string path, string kind, uint mode, long uid, long gid, string time, string content, string? xattr, string firstName) =>
        FormattableString.Invariant($"{path} {kind} {Convert.ToString(mode, 8)} {uid}:{gid} @{time} '{content}' {xattr} {firstName}").TrimEnd();

    /// <summary>The same without the times of some paths, which are nobody's.</summary>
    public static IReadOnlyList<string> WithoutTimes(IReadOnlyList<string> listing, IReadOnlySet<string> paths) =>
        [.. listing.Select(line => paths.Contains(line.Split(' ')[0]) ? string.Join(' ', line.Split(' ').Where(part => !part.StartsWith('@'))) : line)];

    private static string Time(FileStatus status) => status.ModifyNanoseconds == 0
        ? status.ModifySeconds.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{status.ModifySeconds}.{status.ModifyNanoseconds:d9}");

    private static string? Text(byte[]? value) => value is null ? null : Encoding.Latin1.GetString(value);
}
