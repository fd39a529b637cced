namespace Contingious.Importer.Layers;

/// <summary>The map that a sparse file of version 1.0 has before its data: the count of its extents, then offset and length of each, a decimal number a line.</summary>
internal sealed class SparseMapText
{
    private readonly SparseMap map = new();
    private long number = -1;
    private long? left;
    private long? offset;

    public bool IsComplete => left == 0 && offset is null;

    /// <summary>Reads a block; what is behind the last line only pads it.</summary>
    /// <exception cref="InvalidImageException">A line is not a number, or the extents are not ascending.</exception>
    public void Add(ReadOnlySpan<byte> block)
    {
        foreach (var value in block)
        {
            if (IsComplete) return;
            if (value == '\n') EndLine();
            else AddDigit(value);
        }
    }

    public IReadOnlyList<SparseExtent> Close(long realSize, long storedSize) => map.Close(realSize, storedSize);

    private void AddDigit(byte digit)
    {
        if (digit is < (byte)'0' or > (byte)'9' || number > (long.MaxValue - 9) / 10) throw SparseMap.Malformed();
        number = (Math.Max(number, 0) * 10) + digit - '0';
    }

    private void EndLine()
    {
        if (number < 0) throw SparseMap.Malformed();
        if (left is null) left = number;
        else if (offset is null) offset = number;
        else
        {
            map.Add(offset.Value, number);
            offset = null;
            left--;
        }

        number = -1;
    }
}
