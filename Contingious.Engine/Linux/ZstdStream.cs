using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>Unpacks zstd (RFC 8878) by the system's libzstd: frames and skippable frames, one behind another.</summary>
/// <remarks>
/// A header may ask for any window: more than <see cref="LargestWindow"/> is refused, so it cannot make the decoder take more memory than that.
/// The frames of zstd before 0.8 are refused by their magic number: the decoders that libzstd keeps for them have no such bound.
/// </remarks>
public sealed unsafe class ZstdStream : NativeDecoderStream
{
    /// <summary>64 MiB; zstd makes more with <c>--ultra -22</c> or <c>--long</c> only.</summary>
    public const int LargestWindow = 1 << WindowLog;

    private const int WindowLog = 26;
    private const uint Magic = 0xFD2FB528;
    private const uint SkippableMagic = 0x184D2A50;
    private const uint SkippableMask = 0xFFFFFFF0;

    private readonly ZstdContext context = new();
    private bool isBetweenFrames = true;
    private bool hasFrame;

    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public ZstdStream(Stream source)
        : base(source)
    {
        if (context.IsInvalid) throw new InsufficientMemoryException("libzstd found no memory.");
        Check(Zstd.SetParameter(context, Zstd.WindowLogMax, WindowLog));
    }

    private protected override Step Decode(ReadOnlySpan<byte> available, bool isLast, Span<byte> output)
    {
        if (isBetweenFrames)
        {
            if (available.Length < sizeof(uint) && !isLast) return new Step(0, 0, NeedsMore: true);
            if (available.IsEmpty && hasFrame) return new Step(0, 0, IsEnd: true);
            Expect(available);
            hasFrame = true;
            isBetweenFrames = false;
        }

        fixed (byte* source = available, destination = output)
        {
            var from = new Zstd.InBuffer { Source = source, Size = (nuint)available.Length };
            var to = new Zstd.OutBuffer { Destination = destination, Size = (nuint)output.Length };
            var left = Check(Zstd.Decompress(context, &to, &from));
            if (left == 0) isBetweenFrames = true;
            else if (isLast && from.Position == 0 && to.Position == 0) throw new InvalidDataException("its last frame is cut short");
            return new Step((int)from.Position, (int)to.Position);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) context.Dispose();
        base.Dispose(disposing);
    }

    private void Expect(ReadOnlySpan<byte> head)
    {
        if (head.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(head) is var magic && (magic == Magic || (magic & SkippableMask) == SkippableMagic)) return;
        throw new InvalidDataException(hasFrame ? "something that is no frame is behind its last frame" : "it does not begin with a frame of zstd 0.8 or later");
    }

    private static nuint Check(nuint code) => Zstd.IsError(code) == 0
        ? code
        : throw new InvalidDataException($"libzstd says: {Marshal.PtrToStringUTF8((nint)Zstd.ErrorName(code))} (a window of more than 64 MiB counts as too much memory)");
}
