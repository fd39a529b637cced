namespace Contingious.Importer.Layers;

/// <summary>Collects where a sparse file has its data, and refuses what no tar writes.</summary>
internal sealed class SparseMap
{
    private readonly List<SparseExtent> extents = [];
    private long end;
    private long stored;

    /// <summary>The next stretch of data; one of no length says no more than where the file ends.</summary>
    /// <exception cref="InvalidImageException">It is before the end of the last one, or beyond what a file can have.</exception>
    public void Add(long offset, long length)
    {
        if (offset < end || length < 0 || length > long.MaxValue - offset) throw Malformed();
        end = offset + length;
        stored += length;
        if (length > 0) extents.Add(new SparseExtent(offset, length));
    }

    /// <param name="realSize">The length of the file with its holes.</param>
    /// <param name="storedSize">The bytes of data that follow.</param>
    /// <exception cref="InvalidImageException">The map does not fit these.</exception>
    public IReadOnlyList<SparseExtent> Close(long realSize, long storedSize) => realSize >= end && storedSize == stored ? extents : throw Malformed();

    /// <summary>Adds extents of GNU tar's old format: of offset and length, each 12 bytes, up to one that is empty.</summary>
    /// <returns>Whether there was none that ends the map.</returns>
    /// <exception cref="InvalidImageException">An extent is malformed.</exception>
    public bool AddGnu(ReadOnlySpan<byte> fields)
    {
        for (; !fields.IsEmpty; fields = fields[24..])
        {
            var (hasOffset, hasLength) = (fields[0] != 0, fields[12] != 0);
            // Readers differ in which of the two ends the map.
            if (hasOffset != hasLength) throw Malformed();
            if (!hasLength) return false;
            Add(TarHeader.Number(fields[..12]), TarHeader.Number(fields.Slice(12, 12)));
        }

        return true;
    }

    public static InvalidImageException Malformed() => new("The map of a sparse file in the tar archive is malformed: its extents overlap, or are not what is stored. Make the archive again with GNU tar, without --sparse.");
}
