using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>A directory that makes up much of what is copied for each submission.</summary>
/// <param name="Path">Its path in the container, fit to be shown.</param>
/// <param name="Bytes">What it takes in a clone, without those of its directories that are named themselves.</param>
/// <param name="Files">As <paramref name="Bytes"/>, entries.</param>
/// <param name="Advice">What would mend it.</param>
public sealed record EditablePart(string Path, long Bytes, long Files, string Advice);

/// <summary>Says where the bytes and files are that each submission has to copy.</summary>
public sealed class EditableParts
{
    /// <summary>Above this, copying is what a sandbox's start mostly costs.</summary>
    public const long ManyBytes = 50L << 20;

    /// <summary>As <see cref="ManyBytes"/>.</summary>
    public const long ManyFiles = 2000;

    private const int Most = 5;
    private const double Share = 0.1;
    private const long Page = 4096;

    private readonly Image image;
    private readonly RootfsSplit split;
    private readonly List<EditablePart> parts = [];

    private EditableParts(Image image, RootfsSplit split) => (this.image, this.split) = (image, split);

    /// <summary>Whether an image's editable part is larger than one likes it.</summary>
    public static bool IsLarge(Image image) => image.CloneEngine == CloneEngine.Split && (image.EditableBytes > ManyBytes || image.EditableFiles > ManyFiles);

    /// <summary>The largest directories of the editable part, each with the rule that would make it smaller; nothing where it is small.</summary>
    /// <param name="image">The image as it is in the store.</param>
    /// <param name="split">The rules that it was cut by.</param>
    public static IReadOnlyList<EditablePart> Largest(Image image, RootfsSplit split)
    {
        if (!IsLarge(image)) return [];
        var all = new EditableParts(image, split.WithRequired(RootfsSplit.MountTargets.Append(image.Config.WorkingDir)));
        using var tree = DirectoryHandle.Open(image.EditableDirectory);
        _ = all.Visit(tree, "");
        return [.. all.parts.OrderByDescending(all.Weight).Take(Most)];
    }

    /// <returns>What is below and not named yet.</returns>
    private (long Bytes, long Files) Visit(DirectoryHandle directory, string path)
    {
        var (bytes, files) = (0L, 1L);
        foreach (var name in directory.Entries())
        {
            if (directory.TryStatus(name) is not { } status) continue;
            if (status.Kind == FileKind.Directory)
            {
                using var child = directory.OpenDirectory(name);
                var below = Visit(child, $"{path}/{NativePath.Display(name)}");
                (bytes, files) = (bytes + below.Bytes, files + below.Files);
                continue;
            }

            files++;
            if (status.Kind == FileKind.Regular) bytes += (status.Size + Page - 1) / Page * Page;
        }

        var part = new EditablePart(path.Length == 0 ? "/" : path, bytes, files, "");
        if (Weight(part) < Share) return (bytes, files);
        parts.Add(part with { Advice = Advice(part.Path) });
        return (0, 0);
    }

    private double Weight(EditablePart part) => Math.Max(
        image.EditableBytes > ManyBytes ? (double)part.Bytes / image.EditableBytes : 0,
        image.EditableFiles > ManyFiles ? (double)part.Files / image.EditableFiles : 0);

    private string Advice(string path)
    {
        if (split.Required.Concat(image.Config.Volumes).Any(needed => needed == path || path == "/" || needed.StartsWith(path + "/", StringComparison.Ordinal)))
        {
            return $"what of it is never written can be named: --readonly {path.TrimEnd('/')}/DIRECTORY";
        }

        if (path.Contains('\\', StringComparison.Ordinal)) return "its name cannot be written in a rule: name a directory above it";
        return split.IsEditable(path)
            ? $"if submissions do not write there: --readonly {SplitRule.Of(isEditable: false, path).Pattern}"
            : "it is read-only by its rule, and its own files are copied because something below it is editable: make that read-only too, or move it";
    }
}
