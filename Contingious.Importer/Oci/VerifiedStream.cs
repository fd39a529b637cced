using System.Security.Cryptography;
using Contingious.Engine.Images;

namespace Contingious.Importer.Oci;

/// <summary>
/// A blob that is checked against its digest and its size as it is read: a byte too many is refused at once, a byte too few or another
/// content when the end is reached. Whoever reads only a part calls <see cref="ReadToEnd"/> afterwards.
/// </summary>
internal sealed class VerifiedStream(Stream inner, string what, Digest digest, long size) : ReadOnlyStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long read;
    private bool ended;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || ended) return 0;
        var count = inner.Read(buffer);
        if (count == 0)
        {
            ended = true;
            Check();
            return 0;
        }

        read += count;
        if (read > size) throw new InvalidImageException($"The {what} {digest} is longer than the {size} bytes that its descriptor promises.");
        hash.AppendData(buffer[..count]);
        return count;
    }

    /// <summary>Reads what is left, so that the whole content is checked.</summary>
    /// <exception cref="InvalidImageException">It is not what the descriptor promises.</exception>
    public void ReadToEnd(CancellationToken cancellation = default)
    {
        var buffer = new byte[128 << 10];
        while (Read(buffer) > 0) cancellation.ThrowIfCancellationRequested();
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

    private void Check()
    {
        if (read != size) throw new InvalidImageException($"The {what} {digest} has {read} bytes and not the {size} that its descriptor promises.");
        var actual = Digest.FromHash(hash.GetHashAndReset());
        if (actual != digest) throw new InvalidImageException($"The {what} {digest} has another content: its digest is {actual}.");
    }
}
