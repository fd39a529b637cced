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

    /// <summary>Bytes of content; 0 for everything but a file.</summary>
    public long Size { get; init; }

    /// <summary>The permission bits, 12 of them.</summary>
    public uint Mode { get; init; }

    public long Uid { get; init; }

    public long Gid { get; init; }

    public long ModifySeconds { get; init; }

    public uint ModifyNanoseconds { get; init; }

    /// <summary>How many extended attributes the entry has.</summary>
    public int Xattrs { get; init; }
}
