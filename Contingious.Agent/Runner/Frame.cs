using System.Buffers.Binary;

namespace Contingious.Agent.Runner;

/// <summary>
/// One message between agent and runner: four bytes of length, little-endian, of what follows; a byte of <see cref="FrameKind"/>; four bytes of the number
/// that ties a request to its answers; the fields of the kind.
/// </summary>
internal readonly record struct Frame(FrameKind Kind, uint Number, ReadOnlyMemory<byte> Fields)
{
    /// <summary>Raised where a frame's fields change their meaning. An agent asks a runner of another protocol for nothing but to retire.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>A job of 32 MiB and what names it.</summary>
    public const int MostBytes = (32 << 20) + (64 << 10);

    private const int LengthSize = 4;
    private const int HeadSize = 5;

    /// <summary>The frame as it is sent.</summary>
    public static byte[] Encode(FrameKind kind, uint number, FieldWriter? fields = null)
    {
        var body = fields is null ? default : fields.Written;
        var frame = new byte[LengthSize + HeadSize + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, HeadSize + body.Length);
        frame[LengthSize] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(LengthSize + 1), number);
        body.Span.CopyTo(frame.AsSpan(LengthSize + HeadSize));
        return frame;
    }

    /// <summary>Reads the next frame; nothing where the other side has closed.</summary>
    /// <exception cref="RunnerProtocolException">The length is none that a frame has, or the stream ends within the frame.</exception>
    public static async Task<Frame?> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new byte[LengthSize];
        var read = await stream.ReadAtLeastAsync(head, LengthSize, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (read == 0) return null;
        var length = read == LengthSize ? BinaryPrimitives.ReadInt32LittleEndian(head) : -1;
        if (length is < HeadSize or > MostBytes) throw new RunnerProtocolException($"A frame of {length} bytes came; {HeadSize} to {MostBytes} are allowed.");
        var body = new byte[length];
        read = await stream.ReadAtLeastAsync(body, length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (read < length) throw new RunnerProtocolException($"A frame of {length} bytes ended after {read}.");
        return new Frame((FrameKind)body[0], BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(1)), body.AsMemory(HeadSize));
    }
}
