using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Images.Trees;

/// <summary>One entry of a tree that is walked.</summary>
/// <param name="Path">Below the tree's root and with that root's own name in front, without a slash at either end.</param>
/// <param name="Status">What it is.</param>
/// <param name="Link">Where a symlink points.</param>
/// <param name="Content">A regular file, open for reading; whoever takes the entry closes it.</param>
internal sealed record TreeEntry(byte[] Path, FileStatus Status, byte[]? Link, SafeFileHandle? Content);

/// <summary>
/// Walks a tree that nobody changes: a directory before what is in it, names by their bytes, so that two walks of equal trees meet the same entries
/// in the same order. Of what was seen nothing is kept but the names in the directories on the way.
/// </summary>
internal static class TreeWalk
{
    /// <summary>Every entry, the tree's root first.</summary>
    public static IEnumerable<TreeEntry> Of(DirectoryHandle parent, string name)
    {
        var root = System.Text.Encoding.UTF8.GetBytes(name);
        if (parent.TryStatus(root) is not { Kind: FileKind.Directory } status) yield break;
        yield return new TreeEntry(root, status, null, null);
        var levels = new Stack<Level>();
        try
        {
            levels.Push(new Level(parent.OpenDirectory(name), root));
            while (levels.TryPeek(out var level))
            {
                if (level.Next() is not { } entry)
                {
                    levels.Pop().Dispose();
                    continue;
                }

                yield return entry;
                if (entry.Status.Kind == FileKind.Directory) levels.Push(new Level(level.Directory.OpenDirectory(level.Name), entry.Path));
            }
        }
        finally
        {
            foreach (var level in levels) level.Dispose();
        }
    }

    /// <summary>As the walk meets them: as if a slash came before every other byte.</summary>
    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var common = left.CommonPrefixLength(right);
        if (common == left.Length || common == right.Length) return left.Length - right.Length;
        var (one, other) = (left[common], right[common]);
        return (one == '/' ? -1 : one) - (other == '/' ? -1 : other);
    }

    private sealed class Level : IDisposable
    {
        private const int MaxPath = 4095;

        private readonly byte[] path;
        private readonly NameList names;
        private int next;

        public Level(DirectoryHandle directory, byte[] path)
        {
            Directory = directory;
            this.path = path;
            try
            {
                names = directory.SortedNames();
            }
            catch
            {
                directory.Dispose();
                throw;
            }
        }

        public DirectoryHandle Directory { get; }

        /// <summary>The name of the entry that came last.</summary>
        public ReadOnlySpan<byte> Name => names[next - 1];

        public TreeEntry? Next()
        {
            while (next < names.Count)
            {
                var name = names[next++];
                if (Directory.TryStatus(name) is not { } status) continue;
                if (path.Length + 1 + name.Length > MaxPath) throw new ContingiousException($"A path of the image is longer than {MaxPath} bytes, with which no program could open it: {NativePath.Display(path.AsSpan(0, 80))}…");
                return new TreeEntry(
                    [.. path, (byte)'/', .. name],
                    status,
                    status.Kind == FileKind.Symlink ? Directory.ReadLink(name) : null,
                    status.Kind == FileKind.Regular ? Directory.OpenRead(name) : null);
            }

            return null;
        }

        public void Dispose() => Directory.Dispose();
    }
}
