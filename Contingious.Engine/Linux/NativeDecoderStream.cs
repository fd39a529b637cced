namespace Contingious.Engine.Linux;

/// <summary>
/// What a compressed stream unpacks to, by a library of the system, read forward only and strictly: several streams behind one another are one,
/// but a stream that is cut short, or anything else behind the last one, is refused (<see cref="InvalidDataException"/>).
/// </summary>
/// <remarks>Does not close the stream that it reads.</remarks>
public abstract class NativeDecoderStream(Stream source) : ReadOnlyStream
{
    private readonly byte[] input = new byte[128 << 10];
    private int start;
    private int end;
    private bool sourceEnded;
    private bool ended;

    public sealed override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        while (!ended)
        {
            var step = Decode(input.AsSpan(start, end - start), sourceEnded, buffer);
            start += step.Consumed;
            ended = step.IsEnd;
            if (step.Written > 0) return step.Written;
            if (!ended && (start == end || step.NeedsMore)) Fill();
        }

        return 0;
    }

    /// <summary>Unpacks some of the input.</summary>
    /// <param name="available">What is there; never more than 128 KiB.</param>
    /// <param name="isLast">Whether nothing comes behind it.</param>
    /// <param name="output">Where to put it.</param>
    /// <exception cref="InvalidDataException">It is not what it should be, or is cut short: no step may leave everything as it was when there is no more input.</exception>
    private protected abstract Step Decode(ReadOnlySpan<byte> available, bool isLast, Span<byte> output);

    /// <param name="Consumed">Bytes of the input that are done with.</param>
    /// <param name="Written">Bytes of the output.</param>
    /// <param name="IsEnd">Nothing more comes.</param>
    /// <param name="NeedsMore">More input is needed beside what is left of this.</param>
    private protected readonly record struct Step(int Consumed, int Written, bool IsEnd = false, bool NeedsMore = false);

    private void Fill()
    {
        if (sourceEnded) return;
        input.AsSpan(start, end - start).CopyTo(input);
        end -= start;
        start = 0;
        var count = source.Read(input, end, input.Length - end);
        end += count;
        sourceEnded = count == 0;
    }
}
