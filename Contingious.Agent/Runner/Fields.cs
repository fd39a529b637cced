using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine;

namespace Contingious.Agent.Runner;

/// <summary>What the other side sent, or what a file holds, is not what was agreed.</summary>
internal sealed class RunnerProtocolException(string message) : ContingiousException(message);

/// <summary>Writes the fields of frames and of journal files: integers little-endian, texts and bytes behind four bytes of their length.</summary>
internal sealed class FieldWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new(256);

    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public FieldWriter Byte(byte value)
    {
        buffer.Write([value]);
        return this;
    }

    public FieldWriter Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public FieldWriter Int(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
        return this;
    }

    public FieldWriter Long(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
        return this;
    }

    public FieldWriter Bytes(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        buffer.Write(value);
        return this;
    }

    public FieldWriter Text(string? value) => Bytes(Encoding.UTF8.GetBytes(value ?? ""));

    /// <summary>By its name: the numbers of enums may change between two programs, and names do not.</summary>
    public FieldWriter Name<T>(T value)
        where T : struct, Enum => Text(Enum.GetName(value));

    public FieldWriter Key(JobKey key) => Text(key.JobId).Int(key.Attempt).Text(key.Content);
}

/// <summary>Reads what <see cref="FieldWriter"/> writes. Its bytes are parts of the frame, not copies.</summary>
/// <exception cref="RunnerProtocolException">Of every method: there is less than it reads, or it is not of that kind.</exception>
internal sealed class FieldReader(ReadOnlyMemory<byte> fields)
{
    private int position;

    public byte Byte() => Take(1).Span[0];

    public bool Bool() => Byte() != 0;

    public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span);

    public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(8).Span);

    public ReadOnlyMemory<byte> Bytes() => Take(Int());

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    public string? OptionalText() => Text() is { Length: > 0 } text ? text : null;

    public T Name<T>()
        where T : struct, Enum
    {
        var name = Text();
        return Enum.TryParse<T>(name, out var value) && Enum.IsDefined(value) ? value : throw new RunnerProtocolException($"'{name}' is no {typeof(T).Name}.");
    }

    public JobKey Key() => new(Text(), Int(), Text());

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length < 0 || length > fields.Length - position) throw new RunnerProtocolException($"A field of {length} bytes is announced where {fields.Length - position} are left.");
        var taken = fields.Slice(position, length);
        position += length;
        return taken;
    }
}
