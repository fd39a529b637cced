using System.Security.Cryptography;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Oci;

/// <summary>
/// A blob that is checked against its digest and its size as it is read: a byte too many is refused at once, a byte too few or another
/// content when the end is reached. What has a length is refused by it before anything is read. Whoever reads only a part calls <see cref="ReadToEnd"/> afterwards.
/// </summary>
internal sealed class VerifiedStream(Stream inner, string what, Digest digest, long size) : ReadOnlyStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    // Decompressors ask for a few KiB at a time; a system call and a hash are worth more.
    private readonly byte[] buffer = new byte[128 << 10];
    private int start;
    private int end;
    private long read;
    private bool ended;
    private InvalidImageException? fault;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || (start == end && !TryFill())) return 0;
        var count = Math.Min(buffer.Length, end - start);
        this.buffer.AsSpan(start, count).CopyTo(buffer);
        start += count;
        return count;
    }

    /// <summary>Compares the length, where there is one, without reading.</summary>
    /// <exception cref="InvalidImageException">It is not what the descriptor promises.</exception>
    public void VerifyLength()
    {
        if (inner.CanSeek && inner.Length != size) throw WrongLength(inner.Length);
    }

    /// <summary>Reads what is left, so that the whole content is checked.</summary>
    /// <exception cref="InvalidImageException">It is not what the descriptor promises.</exception>
    public void ReadToEnd(CancellationToken cancellation = default)
    {
        while (TryFill()) cancellation.ThrowIfCancellationRequested();
        start = end;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hash.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool TryFill()
    {
        // Whoever asks again hears the same.
        if (fault is not null) throw fault;
        if (ended) return false;
        if (read == 0) VerifyLength();
        start = end = 0;
        var count = inner.Read(buffer);
        if (count == 0)
        {
            ended = true;
            Check();
            return false;
        }

        read += count;
        if (read > size) throw fault = new InvalidImageException($"The {what} {digest} is longer than the {size} bytes that its descriptor promises.");
        hash.AppendData(buffer.AsSpan(0, count));
        end = count;
        return true;
    }

    private void Check()
    {
        if (read != size) throw fault = WrongLength(read);
        var actual = Digest.FromHash(hash.GetHashAndReset());
        if (actual != digest) throw fault = new InvalidImageException($"The {what} {digest} has another content: its digest is {actual}.");
    }

    private InvalidImageException WrongLength(long length) => new($"The {what} {digest} has {length} bytes and not the {size} that its descriptor promises.");
}
