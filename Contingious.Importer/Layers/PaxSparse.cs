namespace Contingious.Importer.Layers;

/// <summary>What the <c>GNU.sparse.*</c> records of a pax header say (GNU tar manual, "Storing Sparse Files": versions 0.0, 0.1 and 1.0).</summary>
internal sealed class PaxSparse
{
    private readonly SparseMap map = new();
    private long? blocks;
    private long added;
    private long? offset;
    private long? major;
    private long? minor;
    private long? realSize;
    private bool isListed;

    public static ReadOnlySpan<byte> Prefix => "GNU.sparse."u8;

    /// <summary>The real name; the entry's own has <c>GNUSparseFile</c> in it, for a tar that knows nothing of this.</summary>
    public byte[]? Name { get; private set; }

    /// <summary>The length of the file with its holes.</summary>
    public long RealSize => realSize is { } size and >= 0 ? size : throw SparseMap.Malformed();

    /// <summary>Whether the map is the first of the content (1.0) and not in the header.</summary>
    /// <exception cref="InvalidImageException">The version is another one.</exception>
    public bool IsMapInContent => (major ?? 0, minor ?? 0) switch
    {
        (0, 0 or 1) => false,
        (1, 0) => true,
        var (high, low) => throw new InvalidImageException($"The tar archive has a sparse file of version {high}.{low}, and 1.0 is the last that is read here. Make the archive again with --sparse-version=1.0."),
    };

    /// <param name="key">Without the prefix.</param>
    /// <param name="value">The record's value.</param>
    /// <exception cref="InvalidImageException">The record is malformed.</exception>
    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.SequenceEqual("name"u8)) Name = value.IsEmpty || value.Contains((byte)0) || value[^1] == '/' ? throw SparseMap.Malformed() : value.ToArray();
        else if (key.SequenceEqual("major"u8)) major = Required(value);
        else if (key.SequenceEqual("minor"u8)) minor = Required(value);
        else if (key.SequenceEqual("size"u8) || key.SequenceEqual("realsize"u8)) realSize = Required(value);
        else if (key.SequenceEqual("numblocks"u8)) blocks = Required(value);
        else if (key.SequenceEqual("offset"u8)) offset = offset is null ? Required(value) : throw SparseMap.Malformed();
        else if (key.SequenceEqual("numbytes"u8)) Add(Required(value));
        else if (key.SequenceEqual("map"u8)) AddList(value);
    }

    /// <summary>The map that is in the header.</summary>
    /// <param name="storedSize">The bytes of data that follow.</param>
    /// <exception cref="InvalidImageException">There is none, or it does not fit.</exception>
    public IReadOnlyList<SparseExtent> Close(long storedSize) =>
        offset is null && (isListed || added > 0 || blocks == 0) && (blocks ?? added) == added ? map.Close(RealSize, storedSize) : throw SparseMap.Malformed();

    private void Add(long length)
    {
        map.Add(offset ?? throw SparseMap.Malformed(), length);
        offset = null;
        added++;
    }

    private void AddList(ReadOnlySpan<byte> value)
    {
        // Not beside the records of 0.0, and only once.
        if (isListed || added > 0 || offset is not null) throw SparseMap.Malformed();
        isListed = true;
        if (value.IsEmpty) return;
        foreach (var range in value.Split((byte)','))
        {
            var number = Required(value[range]);
            if (offset is null) offset = number;
            else Add(number);
        }
    }

    private static long Required(ReadOnlySpan<byte> value) => PaxHeader.Number(value) is { } number and >= 0 ? number : throw SparseMap.Malformed();
}
