using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>
/// The fewest rules that make writable what a command wrote: the directory of each entry that it created or removed, a file
/// that it only modified, and nothing that is writable already.
/// </summary>
internal sealed class SplitProposal(WholeImage image)
{
    /// <summary>A directory up to this size is copied with all that is in it; of a larger one, only its own files.</summary>
    private const long SmallBytes = 1 << 20;
    private const long SmallFiles = 200;

    /// <param name="written">What the command wrote, by path; <paramref name="image"/> was cut by the rules that there are already.</param>
    /// <returns>The rules to add, in order.</returns>
    public IReadOnlyList<SplitRule> Rules(IReadOnlyDictionary<string, WriteKind> written)
    {
        var directories = new SortedSet<string>(StringComparer.Ordinal);
        var files = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, kind) in written)
        {
            var needed = Expressible(kind is WriteKind.Modified or WriteKind.Attributes ? path : Existing(PathKey.Parent(path)));
            if (image.MountOf(needed) is null) continue;
            if (kind == WriteKind.Modified && needed == path) files.Add(path);
            else directories.Add(needed);
        }

        // Of a directory with one editable file, all own files are copied: a second rule there says nothing more.
        directories.UnionWith(files.GroupBy(PathKey.Parent).Where(group => group.Count() > 1).Select(group => group.Key));
        files.RemoveWhere(file => directories.Contains(PathKey.Parent(file)));
        return [.. directories.Concat(files).OrderBy(path => path.Count(character => character == '/')).ThenBy(path => path, StringComparer.Ordinal).Aggregate(new Draft(directories, files), Add).Rules];
    }

    private Draft Add(Draft draft, string path)
    {
        if (draft.Whole.Any(directory => PathKey.IsWithin(path, directory))) return draft;
        var text = PathKey.Text(path) ?? throw new InvalidOperationException($"{PathKey.Show(path)} is no text.");
        if (draft.Files.Contains(path))
        {
            draft.Rules.Add(SplitRule.Of(isEditable: true, text));
        }
        else if (IsSmall(path))
        {
            draft.Whole.Add(path);
            draft.Rules.Add(SplitRule.Of(isEditable: true, text));
        }
        else if (!draft.Directories.Concat(draft.Files).Any(other => other != path && PathKey.IsWithin(other, path)))
        {
            draft.Rules.Add(SplitRule.Of(isEditable: true, text));
            draft.Rules.Add(new SplitRule(isEditable: false, $"{SplitRule.Of(isEditable: true, text).Pattern}/*/"));
        }

        // Else something below is editable, and so the directory itself is in the editable tree.
        return draft;
    }

    private bool IsSmall(string directory)
    {
        using var tree = image.TryOpen(directory);
        if (tree is null) return true;
        var size = TreeSize.Of(tree);
        return size is { Bytes: <= SmallBytes, Files: <= SmallFiles };
    }

    /// <summary>The directory itself where the image has it, else the lowest above it that it has.</summary>
    private string Existing(string directory)
    {
        while (image.TryKind(directory) != FileKind.Directory) directory = PathKey.Parent(directory);
        return directory;
    }

    // A rule is text, and some names are not: the directory above has to do.
    private static string Expressible(string path)
    {
        while (PathKey.Text(path) is null) path = PathKey.Parent(path);
        return path;
    }

    private sealed record Draft(IReadOnlySet<string> Directories, IReadOnlySet<string> Files)
    {
        public List<SplitRule> Rules { get; } = [];

        /// <summary>Directories that became editable with all that is in them.</summary>
        public List<string> Whole { get; } = [];
    }
}
