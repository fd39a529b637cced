using System.Buffers.Binary;

namespace Contingious.Agent.Wire;

/// <summary>
/// What the first bytes of a value say. The payload of text, bytes and extensions, and the items of arrays and maps, follow it.
/// </summary>
internal readonly ref struct MessagePackToken
{
    public required MessagePackKind Kind { get; init; }

    /// <summary>How many bytes the token itself took.</summary>
    public int Size { get; init; }

    /// <summary>Bytes of payload, items of an array, or entries of a map.</summary>
    public uint Length { get; init; }

    /// <summary>Of an integer (long.MinValue to ulong.MaxValue), or 0 and 1 of a bool.</summary>
    public Int128 Integer { get; init; }

    public double Float { get; init; }

    public sbyte ExtensionType { get; init; }

    /// <exception cref="WireException">The bytes end within it, or its first byte is 0xc1, which is never used.</exception>
    public static MessagePackToken Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) throw Truncated();
        var code = bytes[0];
        var rest = bytes[1..];
        return code switch
        {
            <= 0x7f => OfInteger(code, 0),
            <= 0x8f => Of(MessagePackKind.Map, (uint)code & 0x0f, 0),
            <= 0x9f => Of(MessagePackKind.Array, (uint)code & 0x0f, 0),
            <= 0xbf => Of(MessagePackKind.Text, (uint)code & 0x1f, 0),
            0xc0 => Of(MessagePackKind.Nil, 0, 0),
            0xc2 or 0xc3 => new MessagePackToken { Kind = MessagePackKind.Bool, Size = 1, Integer = code & 1 },
            >= 0xc4 and <= 0xc6 => OfLength(MessagePackKind.Binary, rest, 1 << (code - 0xc4)),
            >= 0xc7 and <= 0xc9 => OfExtension(rest, 1 << (code - 0xc7)),
            0xca => OfFloat(BinaryPrimitives.ReadSingleBigEndian(Take(rest, 4)), 4),
            0xcb => OfFloat(BinaryPrimitives.ReadDoubleBigEndian(Take(rest, 8)), 8),
            >= 0xcc and <= 0xcf => OfInteger(Unsigned(rest, 1 << (code - 0xcc)), 1 << (code - 0xcc)),
            >= 0xd0 and <= 0xd3 => OfInteger(Signed(rest, 1 << (code - 0xd0)), 1 << (code - 0xd0)),
            >= 0xd4 and <= 0xd8 => OfFixedExtension(rest, 1u << (code - 0xd4)),
            >= 0xd9 and <= 0xdb => OfLength(MessagePackKind.Text, rest, 1 << (code - 0xd9)),
            0xdc or 0xdd => OfLength(MessagePackKind.Array, rest, code == 0xdc ? 2 : 4),
            0xde or 0xdf => OfLength(MessagePackKind.Map, rest, code == 0xde ? 2 : 4),
            >= 0xe0 => OfInteger((sbyte)code, 0),
            0xc1 => throw new WireException("The byte 0xc1 begins no MessagePack value."),
        };
    }

    private static WireException Truncated() => new("The message ends in the middle of a value.");

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> rest, int count) =>
        rest.Length >= count ? rest[..count] : throw Truncated();

    private static ulong Unsigned(ReadOnlySpan<byte> rest, int width)
    {
        var value = 0UL;
        foreach (var b in Take(rest, width)) value = (value << 8) | b;
        return value;
    }

    private static long Signed(ReadOnlySpan<byte> rest, int width)
    {
        var unused = 64 - (8 * width);
        return (long)(Unsigned(rest, width) << unused) >> unused;
    }

    private static MessagePackToken OfInteger(Int128 value, int width) =>
        new() { Kind = MessagePackKind.Integer, Integer = value, Size = 1 + width };

    private static MessagePackToken OfFloat(double value, int width) =>
        new() { Kind = MessagePackKind.Float, Float = value, Size = 1 + width };

    private static MessagePackToken Of(MessagePackKind kind, uint length, int width) =>
        new() { Kind = kind, Length = length, Size = 1 + width };

    private static MessagePackToken OfLength(MessagePackKind kind, ReadOnlySpan<byte> rest, int width) =>
        Of(kind, (uint)Unsigned(rest, width), width);

    private static MessagePackToken OfExtension(ReadOnlySpan<byte> rest, int width) => new()
    {
        Kind = MessagePackKind.Extension,
        Length = (uint)Unsigned(rest, width),
        ExtensionType = (sbyte)Take(rest, width + 1)[width],
        Size = 2 + width,
    };

    private static MessagePackToken OfFixedExtension(ReadOnlySpan<byte> rest, uint length) =>
        new() { Kind = MessagePackKind.Extension, Length = length, ExtensionType = (sbyte)Take(rest, 1)[0], Size = 2 };
}
