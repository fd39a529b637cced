namespace Contingious.Engine.Linux;

/// <summary>Unpacks xz (https://tukaani.org/xz/xz-file-format.txt) by the system's liblzma: streams one behind another, with the padding that the format allows.</summary>
/// <remarks>A header may ask for a dictionary of any size: what needs more memory than <see cref="MemoryLimit"/> is refused.</remarks>
public sealed unsafe class XzStream : NativeDecoderStream
{
    /// <summary>Bytes. <c>xz -9</c>, with its dictionary of 64 MiB, needs just over 65 MiB.</summary>
    public const long MemoryLimit = 68L << 20;

    private readonly LzmaCoder coder = new();

    /// <exception cref="DllNotFoundException">liblzma is not installed.</exception>
    public XzStream(Stream source)
        : base(source) => Check(Lzma.StreamDecoder(coder.Pointer, MemoryLimit, Lzma.TellUnsupportedCheck | Lzma.Concatenated));

    private protected override Step Decode(ReadOnlySpan<byte> available, bool isLast, Span<byte> output)
    {
        fixed (byte* source = available, destination = output)
        {
            var state = coder.Pointer;
            state->NextIn = source;
            state->AvailableIn = (nuint)available.Length;
            state->NextOut = destination;
            state->AvailableOut = (nuint)output.Length;
            var result = Lzma.Code(state, isLast ? Lzma.Action.Finish : Lzma.Action.Run);
            var (consumed, written) = (available.Length - (int)state->AvailableIn, output.Length - (int)state->AvailableOut);
            if (result == Lzma.Result.StreamEnd) return new Step(consumed, written, IsEnd: true);
            // With no input at all the coder calls for some, which is no fault before the end.
            if (result == Lzma.Result.NoProgress && !isLast) return new Step(consumed, written, NeedsMore: true);
            Check(result);
            return new Step(consumed, written);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) coder.Dispose();
        base.Dispose(disposing);
    }

    private static void Check(Lzma.Result result)
    {
        switch (result)
        {
            case Lzma.Result.Ok:
                return;
            case Lzma.Result.NoMemory:
                throw new InsufficientMemoryException("liblzma found no memory.");
            case Lzma.Result.MemoryLimit:
                throw new InvalidDataException($"it needs more than {MemoryLimit >> 20} MiB to unpack, which is more than xz -9 makes");
            case Lzma.Result.NotXz:
                throw new InvalidDataException("it is not xz, or something that is not xz is behind its last stream");
            case Lzma.Result.NoProgress:
                throw new InvalidDataException("its last stream is cut short");
            case Lzma.Result.UnsupportedCheck or Lzma.Result.UnsupportedOptions:
                throw new InvalidDataException($"it uses a filter or a check that liblzma does not know ({result})");
            default:
                throw new InvalidDataException($"liblzma says: {result}");
        }
    }
}
