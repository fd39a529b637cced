namespace Contingious.Engine.Sandboxes;

/// <summary>Is told bytes that it has to copy where it wants to keep them.</summary>
internal delegate void ObserveBytes(ReadOnlySpan<byte> bytes);

/// <summary>
/// Keeps the first three quarters and the last quarter of a stream within a bound, counts all of it, and goes on
/// draining past the bound: memory never depends on what a program prints.
/// </summary>
/// <param name="limit">Bytes to keep.</param>
/// <param name="observe">Told what is produced, as it comes, up to the bound; it must not block.</param>
internal sealed class OutputCapture(long limit, ObserveBytes? observe = null)
{
    private readonly byte[] head = new byte[limit - (limit / 4)];
    private readonly byte[] tail = new byte[limit / 4];
    private int headLength;
    private int tailNext;
    private long produced;

    /// <summary>Bytes produced so far.</summary>
    public long Produced => Interlocked.Read(ref produced);

    public bool Truncated => Produced > head.Length + tail.Length;

    /// <summary>Reads a stream to its end.</summary>
    public async Task DrainAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = new byte[32 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0) Append(buffer.AsSpan(0, read));
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var told = (int)Math.Clamp(limit - Produced, 0, bytes.Length);
        if (told > 0) observe?.Invoke(bytes[..told]);
        lock (head)
        {
            var intoHead = Math.Min(bytes.Length, head.Length - headLength);
            bytes[..intoHead].CopyTo(head.AsSpan(headLength));
            headLength += intoHead;
            Interlocked.Add(ref produced, bytes.Length);
            var rest = bytes[intoHead..];
            if (tail.Length == 0) return;
            if (rest.Length > tail.Length) rest = rest[^tail.Length..];
            foreach (var part in new[] { Math.Min(rest.Length, tail.Length - tailNext), rest.Length })
            {
                var count = Math.Min(part, rest.Length);
                rest[..count].CopyTo(tail.AsSpan(tailNext));
                tailNext = (tailNext + count) % tail.Length;
                rest = rest[count..];
            }
        }
    }

    /// <summary>What is kept, in order.</summary>
    public ReadOnlyMemory<byte> Kept()
    {
        lock (head)
        {
            var inTail = Math.Min(produced - headLength, tail.Length);
            var kept = new byte[headLength + inTail];
            head.AsSpan(0, headLength).CopyTo(kept);
            for (long i = 0; i < inTail; i++)
            {
                kept[headLength + i] = tail[(tailNext - inTail + i + tail.Length) % tail.Length];
            }

            return kept;
        }
    }
}
