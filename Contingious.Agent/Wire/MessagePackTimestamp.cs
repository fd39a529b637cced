using System.Buffers.Binary;

namespace Contingious.Agent.Wire;

/// <summary>The timestamp extension: https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type.</summary>
/// <param name="Seconds">Since 1970-01-01T00:00:00Z, negative before.</param>
/// <param name="Nanoseconds">0 to 999,999,999, added to the seconds.</param>
internal readonly record struct MessagePackTimestamp(long Seconds, uint Nanoseconds)
{
    public const sbyte ExtensionType = -1;

    private const uint MaxNanoseconds = 999_999_999;

    /// <exception cref="WireException">It is of none of the three forms.</exception>
    public static MessagePackTimestamp Parse(sbyte type, ReadOnlySpan<byte> payload)
    {
        if (type != ExtensionType) throw new WireException($"Expected a timestamp, found extension type {type}.");
        var timestamp = payload.Length switch
        {
            4 => new MessagePackTimestamp(BinaryPrimitives.ReadUInt32BigEndian(payload), 0),
            8 => FromPacked(BinaryPrimitives.ReadUInt64BigEndian(payload)),
            12 => new MessagePackTimestamp(BinaryPrimitives.ReadInt64BigEndian(payload[4..]), BinaryPrimitives.ReadUInt32BigEndian(payload)),
            _ => throw new WireException($"A timestamp has 4, 8 or 12 bytes, this one has {payload.Length}."),
        };
        return timestamp.Nanoseconds <= MaxNanoseconds
            ? timestamp
            : throw new WireException("A timestamp has more nanoseconds than a second.");
    }

    /// <summary>Writes the smallest of the three forms.</summary>
    /// <returns>How many of the 12 bytes of <paramref name="payload"/> it took.</returns>
    public int Format(Span<byte> payload)
    {
        if (Seconds >> 34 != 0)
        {
            BinaryPrimitives.WriteUInt32BigEndian(payload, Nanoseconds);
            BinaryPrimitives.WriteInt64BigEndian(payload[4..], Seconds);
            return 12;
        }

        var packed = ((ulong)Nanoseconds << 34) | (ulong)Seconds;
        if (packed <= uint.MaxValue)
        {
            BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)packed);
            return 4;
        }

        BinaryPrimitives.WriteUInt64BigEndian(payload, packed);
        return 8;
    }

    private static MessagePackTimestamp FromPacked(ulong packed) => new((long)(packed & ((1UL << 34) - 1)), (uint)(packed >> 34));
}
