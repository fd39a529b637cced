using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Contingious.Importer.Layers;

/// <summary>
/// Buffers that one thread fills and every reader then sees in turn, each at its own pace: the writer waits for the slowest, so memory is bounded whatever passes.
/// </summary>
/// <remarks>
/// The end of the content, or the fault that ended it, comes to every reader behind all that was written before it, so what is found first is the same
/// in every run. <see cref="Abort"/> ends all of them at once.
/// </remarks>
/// <param name="readers">How many there are; they are called 0, 1, ….</param>
internal sealed class BufferRing(int readers)
{
    public const int BufferSize = 256 << 10;

    private const int Slots = 16;

    private readonly object gate = new();
    private readonly byte[]?[] buffers = new byte[]?[Slots];
    private readonly int[] lengths = new int[Slots];
    private readonly long[] read = new long[readers];
    private long written;
    private bool isComplete;
    private bool isAborted;
    private ExceptionDispatchInfo? fault;

    public bool IsAborted => Volatile.Read(ref isAborted);

    /// <summary>A buffer to fill, for <see cref="EndWrite"/> afterwards; none where it was aborted.</summary>
    public bool TryBeginWrite([NotNullWhen(true)] out byte[]? buffer)
    {
        lock (gate)
        {
            while (!isAborted && written - Slowest() == Slots) Monitor.Wait(gate);
            buffer = isAborted ? null : buffers[written % Slots] ??= ArrayPool<byte>.Shared.Rent(BufferSize);
            return buffer is not null;
        }
    }

    public void EndWrite(int length)
    {
        lock (gate)
        {
            lengths[written % Slots] = length;
            written++;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Nothing more is written, for the reason of <paramref name="error"/> where there is one.</summary>
    public void Complete(Exception? error = null)
    {
        lock (gate)
        {
            isComplete = true;
            if (error is not null) fault ??= ExceptionDispatchInfo.Capture(error);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The next buffer, until <see cref="EndRead"/>; none at the end, for which <see cref="ThrowIfFaulted"/> knows the reason.</summary>
    public bool TryBeginRead(int reader, out ReadOnlyMemory<byte> content)
    {
        lock (gate)
        {
            while (!isAborted && !isComplete && read[reader] == written) Monitor.Wait(gate);
            var isThere = !isAborted && read[reader] < written;
            var slot = read[reader] % Slots;
            content = isThere ? buffers[slot].AsMemory(0, lengths[slot]) : default;
            return isThere;
        }
    }

    /// <summary>Throws what ended the content where that is not its end.</summary>
    /// <exception cref="OperationCanceledException">It was aborted.</exception>
    public void ThrowIfFaulted()
    {
        lock (gate)
        {
            fault?.Throw();
            if (isAborted) throw new OperationCanceledException("The layer is not read any further.");
        }
    }

    public void EndRead(int reader)
    {
        lock (gate)
        {
            read[reader]++;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Nobody gets or gives anything any more, for the reason of <paramref name="error"/> where there is one.</summary>
    public void Abort(Exception? error = null)
    {
        lock (gate)
        {
            isAborted = true;
            if (error is not null) fault ??= ExceptionDispatchInfo.Capture(error);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Gives the buffers back; only when nobody can be in one any more.</summary>
    public void Release()
    {
        for (var i = 0; i < Slots; i++)
        {
            if (buffers[i] is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
            buffers[i] = null;
        }
    }

    private long Slowest()
    {
        var slowest = long.MaxValue;
        foreach (var count in read) slowest = Math.Min(slowest, count);
        return slowest;
    }
}
