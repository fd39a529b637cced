using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Contingious.Agent.Wire;

/// <summary>Writes MessagePack, each value in its smallest form.</summary>
internal sealed class MessagePackWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new(1024);

    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public void WriteNil() => WriteCode(0xc0);

    public void WriteBool(bool value) => WriteCode(value ? (byte)0xc3 : (byte)0xc2);

    public void WriteInteger(long value)
    {
        if (value >= 0) WriteUnsigned((ulong)value);
        else if (value >= -32) WriteCode((byte)value);
        else if (value >= sbyte.MinValue) WriteCode(0xd0, (ulong)value, 1);
        else if (value >= short.MinValue) WriteCode(0xd1, (ulong)value, 2);
        else if (value >= int.MinValue) WriteCode(0xd2, (ulong)value, 4);
        else WriteCode(0xd3, (ulong)value, 8);
    }

    public void WriteUnsigned(ulong value)
    {
        if (value <= 0x7f) WriteCode((byte)value);
        else if (value <= byte.MaxValue) WriteCode(0xcc, value, 1);
        else if (value <= ushort.MaxValue) WriteCode(0xcd, value, 2);
        else if (value <= uint.MaxValue) WriteCode(0xce, value, 4);
        else WriteCode(0xcf, value, 8);
    }

    public void WriteFloat(double value)
    {
        var single = (float)value;
        if (((double)single).Equals(value)) WriteCode(0xca, BitConverter.SingleToUInt32Bits(single), 4);
        else WriteCode(0xcb, BitConverter.DoubleToUInt64Bits(value), 8);
    }

    public void WriteString(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        if (length <= 0x1f) WriteCode((byte)(0xa0 | length));
        else WriteLength(0xd9, (uint)length);
        buffer.Advance(Encoding.UTF8.GetBytes(text, buffer.GetSpan(length)));
    }

    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        WriteLength(0xc4, (uint)bytes.Length);
        buffer.Write(bytes);
    }

    /// <summary>That many values are to follow.</summary>
    public void WriteArrayHeader(int count) => WriteHeader(0x90, 0xdc, count);

    /// <summary>That many pairs of a key and a value are to follow.</summary>
    public void WriteMapHeader(int count) => WriteHeader(0x80, 0xde, count);

    public void WriteExtension(sbyte type, ReadOnlySpan<byte> payload)
    {
        if (payload.Length is 1 or 2 or 4 or 8 or 16) WriteCode((byte)(0xd4 + int.Log2(payload.Length)));
        else WriteLength(0xc7, (uint)payload.Length);
        WriteCode((byte)type);
        buffer.Write(payload);
    }

    public void WriteTimestamp(MessagePackTimestamp timestamp)
    {
        Span<byte> payload = stackalloc byte[12];
        WriteExtension(MessagePackTimestamp.ExtensionType, payload[..timestamp.Format(payload)]);
    }

    private void WriteHeader(byte shortCode, byte longCode, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count <= 0x0f) WriteCode((byte)(shortCode | count));
        else if (count <= ushort.MaxValue) WriteCode(longCode, (ulong)count, 2);
        else WriteCode((byte)(longCode + 1), (ulong)count, 4);
    }

    /// <summary>One, two or four bytes of length: the three codes of a family follow one another.</summary>
    private void WriteLength(byte firstCode, uint length)
    {
        if (length <= byte.MaxValue) WriteCode(firstCode, length, 1);
        else if (length <= ushort.MaxValue) WriteCode((byte)(firstCode + 1), length, 2);
        else WriteCode((byte)(firstCode + 2), length, 4);
    }

    private void WriteCode(byte code)
    {
        buffer.GetSpan(1)[0] = code;
        buffer.Advance(1);
    }

    private void WriteCode(byte code, ulong value, int width)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        WriteCode(code);
        buffer.Write(bytes[(8 - width)..]);
    }
}
