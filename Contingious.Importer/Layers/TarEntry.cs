namespace Contingious.Importer.Layers;

internal enum TarEntryKind
{
    File,
    HardLink,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}

/// <summary>One entry of a tar archive. Names are bytes, as they are in the archive.</summary>
internal sealed record TarEntry
{
    public required TarEntryKind Kind { get; init; }

    public required byte[] Name { get; init; }

    public byte[] LinkName { get; init; } = [];

    /// <summary>The length of the file; 0 for everything but a file.</summary>
    public long Size { get; init; }

    /// <summary>
    /// Where a sparse file has data, ascending and without overlap; everything between is a hole. <see cref="TarReader.Read"/> gives
    /// the data of these, one after another. Nothing for a file that is stored whole.
    /// </summary>
    public IReadOnlyList<SparseExtent>? Sparse { get; init; }

    /// <summary>The permission bits, 12 of them.</summary>
    public uint Mode { get; init; }

    public long Uid { get; init; }

    public long Gid { get; init; }

    public long ModifySeconds { get; init; }

    public uint ModifyNanoseconds { get; init; }

    public IReadOnlyList<TarXattr> Xattrs { get; init; } = [];
}

/// <summary>A stretch of data of a sparse file, in bytes.</summary>
internal readonly record struct SparseExtent(long Offset, long Length);

/// <summary>An extended attribute, such as <c>user.comment</c>; both are bytes, as they are in the archive.</summary>
internal readonly record struct TarXattr(byte[] Name, byte[] Value);
