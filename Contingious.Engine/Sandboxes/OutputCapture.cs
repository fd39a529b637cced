using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// Keeps the first three quarters and the last quarter of a stream within a bound, and counts all of it: memory never depends on what a program
/// prints, and is taken as it prints.
/// </summary>
/// <param name="limit">Bytes to keep.</param>
/// <param name="observe">Told what is produced, as it comes, up to the bound.</param>
internal sealed class OutputCapture(long limit, TakeBytes? observe = null)
{
    private const int FirstRoom = 4 << 10;

    private readonly Lock access = new();
    private readonly int headLimit = checked((int)(limit - (limit / 4)));
    private readonly int tailLimit = (int)(limit / 4);
    private byte[] head = [];
    private byte[] tail = [];
    private int headLength;
    private int tailNext;
    private long produced;

    /// <summary>Bytes produced so far.</summary>
    public long Produced => Interlocked.Read(ref produced);

    public bool Truncated => Produced > limit;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var told = (int)Math.Clamp(limit - Produced, 0, bytes.Length);
        if (told > 0) observe?.Invoke(bytes[..told]);
        lock (access)
        {
            var intoHead = Math.Min(bytes.Length, headLimit - headLength);
            if (headLength + intoHead > head.Length) Array.Resize(ref head, (int)Math.Min(headLimit, Math.Max(FirstRoom, Math.Max(headLength + intoHead, 2L * head.Length))));
            bytes[..intoHead].CopyTo(head.AsSpan(headLength));
            headLength += intoHead;
            Interlocked.Add(ref produced, bytes.Length);
            if (intoHead < bytes.Length && tailLimit > 0) AppendTail(bytes[intoHead..]);
        }
    }

    /// <summary>What is kept, in order.</summary>
    public ReadOnlyMemory<byte> Kept()
    {
        lock (access)
        {
            var inTail = (int)Math.Min(produced - headLength, tailLimit);
            var kept = new byte[headLength + inTail];
            head.AsSpan(0, headLength).CopyTo(kept);
            if (inTail == 0) return kept;

            // The tail goes round: its oldest byte is where the next one would be, once it is full.
            var oldest = (tailNext - inTail + tailLimit) % tailLimit;
            var first = Math.Min(inTail, tailLimit - oldest);
            tail.AsSpan(oldest, first).CopyTo(kept.AsSpan(headLength));
            tail.AsSpan(0, inTail - first).CopyTo(kept.AsSpan(headLength + first));
            return kept;
        }
    }

    private void AppendTail(ReadOnlySpan<byte> bytes)
    {
        if (tail.Length == 0) tail = new byte[tailLimit];
        if (bytes.Length > tailLimit) bytes = bytes[^tailLimit..];
        var first = Math.Min(bytes.Length, tailLimit - tailNext);
        bytes[..first].CopyTo(tail.AsSpan(tailNext));
        bytes[first..].CopyTo(tail);
        tailNext = (tailNext + bytes.Length) % tailLimit;
    }
}
