namespace Contingious.Importer.Layers;

/// <summary>The 512 bytes of a tar header, where they lie (POSIX.1-2017 pax, ustar interchange format; GNU tar manual, "Basic Tar Format").</summary>
/// <remarks>
/// A number is octal digits up to a NUL or a space, with spaces or NULs before it, or GNU's base-256: two's complement, big endian, behind a set first bit.
/// star, which says <c>tar</c> in its last four bytes, has times where ustar's prefix ends.
/// </remarks>
internal readonly ref struct TarHeader
{
    public const int BlockSize = 512;

    private const int ChecksumOffset = 148;
    private const int ChecksumLength = 8;

    private readonly ReadOnlySpan<byte> block;

    /// <param name="block">One block, not all zeros.</param>
    /// <exception cref="InvalidImageException">The checksum is wrong.</exception>
    public TarHeader(ReadOnlySpan<byte> block)
    {
        this.block = block;
        VerifyChecksum();
    }

    public byte Type => block[156];

    public ReadOnlySpan<byte> LinkName => Text(block.Slice(157, 100));

    /// <summary>The permission bits, 12 of them.</summary>
    public uint Mode => (uint)(Number(block.Slice(100, 8)) & 0xFFF);

    public long Uid => Number(block.Slice(108, 8));

    public long Gid => Number(block.Slice(116, 8));

    /// <summary>The bytes that follow, without what pads them.</summary>
    public long Size => Number(block.Slice(124, 12));

    public long ModifySeconds => Number(block.Slice(136, 12));

    /// <summary>Whether GNU tar's own fields are where ustar has its prefix.</summary>
    public bool IsGnu => block.Slice(257, 8).SequenceEqual("ustar  \0"u8);

    /// <summary>GNU's sparse fields: four extents.</summary>
    public ReadOnlySpan<byte> GnuExtents => block.Slice(386, 4 * 24);

    public bool HasGnuExtension => block[482] != 0;

    /// <summary>GNU's sparse fields: the length of the file with its holes.</summary>
    public long GnuRealSize => Number(block.Slice(483, 12));

    /// <summary>The name, with ustar's prefix.</summary>
    public byte[] Name()
    {
        var name = Text(block[..100]);
        var prefix = block.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(block.Slice(345, block[508..].SequenceEqual("tar\0"u8) ? 131 : 155)) : [];
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <exception cref="InvalidImageException">It is none, or needs more than 63 bits.</exception>
    public static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0) return Base256(field);
        var start = field.IndexOfAnyExcept((byte)' ', (byte)0);
        if (start < 0) return 0;
        var value = 0L;
        foreach (var digit in field[start..])
        {
            if (digit is 0 or (byte)' ') break;
            if (digit is < (byte)'0' or > (byte)'7') throw new InvalidImageException("A tar header has a number that is not octal: the archive is damaged, or is none.");
            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    private static long Base256(ReadOnlySpan<byte> field)
    {
        // The first bit is the mark, the second the sign.
        var value = (long)(sbyte)(field[0] << 1) >> 1;
        foreach (var next in field[1..])
        {
            if (value is > long.MaxValue >> 8 or < long.MinValue >> 8) throw new InvalidImageException("A tar header has a number of more than 63 bits.");
            value = (value << 8) | next;
        }

        return value;
    }

    private void VerifyChecksum()
    {
        // The checksum itself counts as spaces; old tars added signed bytes.
        int sum = ChecksumLength * ' ', high = 0;
        foreach (var value in block[..ChecksumOffset]) (sum, high) = (sum + value, high + (value >> 7));
        foreach (var value in block[(ChecksumOffset + ChecksumLength)..]) (sum, high) = (sum + value, high + (value >> 7));
        var stored = Number(block.Slice(ChecksumOffset, ChecksumLength));
        if (stored != sum && stored != sum - (high << 8)) throw new InvalidImageException("A tar header has a wrong checksum: this is not a tar archive, or it is damaged.");
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field) => field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field;
}
