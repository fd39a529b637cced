using System.Numerics;

namespace Contingious.Importer.Layers;

/// <summary>The 512 bytes of a tar header, checksum verified (POSIX.1-2017 pax, ustar interchange format; GNU tar's base-256 numbers).</summary>
internal sealed record TarHeader
{
    private const int ChecksumOffset = 148;

    /// <exception cref="InvalidImageException">The checksum or a number is wrong.</exception>
    public TarHeader(ReadOnlySpan<byte> block)
    {
        Verify(block);
        Type = block[156];
        var name = Text(block[..100]);
        // GNU's magic is "ustar  " and has other things where ustar has its prefix.
        var prefix = block.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(block.Slice(345, 155)) : [];
        Name = prefix.Length == 0 ? name : [.. prefix, (byte)'/', .. name];
        Mode = (uint)(Number(block.Slice(100, 8)) & 0xFFF);
        Uid = Number(block.Slice(108, 8));
        Gid = Number(block.Slice(116, 8));
        Size = Number(block.Slice(124, 12));
        ModifySeconds = Number(block.Slice(136, 12));
        LinkName = Text(block.Slice(157, 100));
    }

    public byte Type { get; }

    public byte[] Name { get; }

    public byte[] LinkName { get; }

    public uint Mode { get; }

    public long Uid { get; }

    public long Gid { get; }

    public long Size { get; }

    public long ModifySeconds { get; }

    private static void Verify(ReadOnlySpan<byte> block)
    {
        // The checksum counts as spaces; old tars added signed bytes.
        int unsigned = 0, signed = 0;
        for (var i = 0; i < block.Length; i++)
        {
            var value = i is >= ChecksumOffset and < ChecksumOffset + 8 ? (byte)' ' : block[i];
            unsigned += value;
            signed += (sbyte)value;
        }

        var stored = Number(block.Slice(ChecksumOffset, 8));
        if (stored != unsigned && stored != signed) throw new InvalidImageException("A tar header has a wrong checksum: this is not a tar archive, or it is damaged.");
    }

    private static byte[] Text(ReadOnlySpan<byte> field) => (field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field).ToArray();

    private static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0) return Base256(field);
        var digits = field.Trim(" \0"u8);
        var value = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7') throw new InvalidImageException("A tar header has a number that is not octal.");
            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    /// <summary>Two's complement, big endian; the first bit is the mark and does not count.</summary>
    private static long Base256(ReadOnlySpan<byte> field)
    {
        Span<byte> bytes = stackalloc byte[field.Length];
        field.CopyTo(bytes);
        bytes[0] = (bytes[0] & 0x40) != 0 ? (byte)(bytes[0] | 0x80) : (byte)(bytes[0] & 0x7F);
        var value = new BigInteger(bytes, isUnsigned: false, isBigEndian: true);
        return value < long.MinValue || value > long.MaxValue ? throw new InvalidImageException("A tar header has a number that is too large.") : (long)value;
    }
}
