using System.Security.Cryptography;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Layers;

/// <summary>
/// A layer's tar as it comes out of its blob, in one pass: one thread reads the blob, checks it against its digest and decompresses it, another hashes
/// what comes out for the diff id, and the caller reads it. Counted against the limits before anybody sees it.
/// </summary>
/// <remarks>
/// Nothing that was read may be relied on before <see cref="Finish"/> has returned. Reading throws what any thread has met, in the order of the bytes;
/// disposing ends all of them, and waits for that.
/// </remarks>
internal sealed class LayerReader : ReadOnlyStream
{
    private const int Caller = 0;
    private const int Hasher = 1;

    private readonly BufferRing ring = new(readers: 2);
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly VerifiedStream blob;
    private readonly Stream tar;
    private readonly ResolvedLayer layer;
    private readonly ImportLimits limits;
    private readonly CancellationTokenRegistration cancelled;
    private readonly CancellationToken cancellation;
    private readonly Thread[] threads;
    private ReadOnlyMemory<byte> current;
    private bool isStarted;
    private bool hasEnded;
    private long unpacked;
    private int filled;

    /// <param name="blob">The layer's; it is closed with this.</param>
    /// <param name="layer">What it should be.</param>
    /// <param name="limits">What it may cost.</param>
    /// <param name="cancellation">Ends a read that waits, too.</param>
    /// <exception cref="Contingious.Engine.HostNotReadyException">The library that decompresses it is not installed.</exception>
    public LayerReader(VerifiedStream blob, ResolvedLayer layer, ImportLimits limits, CancellationToken cancellation = default)
    {
        this.blob = blob;
        this.layer = layer;
        this.limits = limits;
        this.cancellation = cancellation;
        try
        {
            tar = Decompression.Open(new UntilAborted(blob, ring), layer.Compression, Name);
        }
        catch
        {
            blob.Dispose();
            throw;
        }

        threads = [new Thread(Unpack) { IsBackground = true, Name = "unpack layer" }, new Thread(Hash) { IsBackground = true, Name = "hash layer" }];
        cancelled = cancellation.Register(() => ring.Abort());
    }

    private string Name => $"layer {layer.Blob.Digest}";

    /// <exception cref="InvalidImageException">The blob is not what its descriptor promises, is damaged, or unpacks to too much.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || (current.IsEmpty && !TryAdvance())) return 0;
        var count = Math.Min(buffer.Length, current.Length);
        current.Span[..count].CopyTo(buffer);
        current = current[count..];
        if (current.IsEmpty) ring.EndRead(Caller);
        return count;
    }

    /// <summary>Reads what is left and checks the blob's digest and the diff id.</summary>
    /// <exception cref="InvalidImageException">One of them is not what it should be.</exception>
    public void Finish(CancellationToken cancellation)
    {
        using var registration = cancellation.Register(() => ring.Abort());
        while (!current.IsEmpty || TryAdvance())
        {
            cancellation.ThrowIfCancellationRequested();
            current = default;
            ring.EndRead(Caller);
        }

        Join();
        ring.ThrowIfFaulted();
        var actual = Digest.FromHash(hash.GetHashAndReset());
        if (actual != layer.DiffId) throw new InvalidImageException($"The {Name} unpacks to {actual}; the config promises the diff id {layer.DiffId}.");
    }

    /// <summary>
    /// Where what came out of the layer cannot be used: looks whether the blob itself is not what its descriptor promises, which is the better thing to say.
    /// Nothing can be read afterwards.
    /// </summary>
    /// <param name="found">What was wrong with it.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="InvalidImageException">The blob is not; <paramref name="found"/> is the cause.</exception>
    public void ThrowIfDamaged(InvalidImageException found, CancellationToken cancellation)
    {
        Stop();
        try
        {
            blob.ReadToEnd(cancellation);
        }
        catch (InvalidImageException error)
        {
            throw new InvalidImageException(error.Message, found);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            cancelled.Dispose();
            Stop();
            ring.Release();
            tar.Dispose();
            blob.Dispose();
            hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool TryAdvance()
    {
        if (hasEnded) return false;
        if (!isStarted) foreach (var thread in threads) thread.Start();
        isStarted = true;
        if (ring.TryBeginRead(Caller, out current)) return true;
        // Says which token it was.
        cancellation.ThrowIfCancellationRequested();
        ring.ThrowIfFaulted();
        hasEnded = true;
        return false;
    }

    private void Stop()
    {
        ring.Abort();
        Join();
    }

    private void Join()
    {
        if (!isStarted) return;
        foreach (var thread in threads) thread.Join();
    }

    private void Unpack()
    {
        try
        {
            while (ring.TryBeginWrite(out var buffer) && Fill(buffer)) ring.EndWrite(filled);
            filled = 0;
            if (!ring.IsAborted) blob.ReadToEnd();
            ring.Complete();
        }
        catch (Exception error)
        {
            // It is the caller's, behind what was still good.
            if (filled > 0) ring.EndWrite(filled);
            ring.Complete(error);
        }
    }

    private bool Fill(byte[] buffer)
    {
        int count;
        filled = 0;
        while (filled < BufferRing.BufferSize && (count = tar.Read(buffer.AsSpan(filled, BufferRing.BufferSize - filled))) > 0)
        {
            unpacked += count;
            CheckSize();
            filled += count;
        }

        return filled > 0;
    }

    private void CheckSize()
    {
        if (unpacked > limits.Unpacked.Bytes) throw new InvalidImageException($"The {Name} unpacks to more than {limits.Unpacked}.");
        if (unpacked > limits.RatioGrace.Bytes && unpacked / limits.CompressionRatio > layer.Blob.Size)
        {
            throw new InvalidImageException($"The {Name} unpacks to more than {limits.CompressionRatio} times its size: a decompression bomb.");
        }
    }

    private void Hash()
    {
        try
        {
            while (ring.TryBeginRead(Hasher, out var content))
            {
                hash.AppendData(content.Span);
                ring.EndRead(Hasher);
            }
        }
        catch (Exception error)
        {
            ring.Abort(error);
        }
    }

    /// <summary>Frames may go on for gigabytes with nothing in them.</summary>
    private sealed class UntilAborted(Stream inner, BufferRing ring) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => ring.IsAborted ? throw new OperationCanceledException("The layer is not read any further.") : inner.Read(buffer);
    }
}
