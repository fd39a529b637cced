namespace Contingious.Tests.Importer.Support;

/// <summary>A file, directory or symlink of a <see cref="ModelRootfs"/>.</summary>
internal sealed class ModelNode
{
    public required TarNodeKind Kind { get; init; }

    public uint Mode { get; set; } = 0x1ED;

    public long Uid { get; set; }

    public long Gid { get; set; }

    public long Mtime { get; set; }

    public string Content { get; init; } = "";

    public string Target { get; init; } = "";

    /// <summary>The value of <c>user.test</c>.</summary>
    public string? Xattr { get; set; }

    /// <summary>No layer describes it, or its time is nobody's.</summary>
    public bool IsUndescribed { get; set; }

    /// <summary>Of a directory: its names, each with the layer that made it last.</summary>
    public SortedDictionary<string, (ModelNode Node, int Layer)> Children { get; } = new(StringComparer.Ordinal);

    /// <summary>Where a directory is; the root has none.</summary>
    public (ModelNode Directory, string Name)? Place { get; set; }
}

internal enum TarNodeKind
{
    File,
    Directory,
    Symlink,
}
