using System.IO.Compression;
using System.Security.Cryptography;
using Contingious.Engine.Images;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Layers;

/// <summary>
/// A layer's tar as it comes out of its blob: counted against the limits while it is decompressed, and hashed, so that its diff id can be checked.
/// </summary>
internal sealed class LayerReader : ReadOnlyStream
{
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly VerifiedStream blob;
    private readonly Stream tar;
    private readonly ResolvedLayer layer;
    private readonly ImportLimits limits;
    private long read;

    public LayerReader(VerifiedStream blob, ResolvedLayer layer, ImportLimits limits)
    {
        this.blob = blob;
        this.layer = layer;
        this.limits = limits;
        tar = layer.Compression switch
        {
            LayerCompression.None => blob,
            LayerCompression.Gzip => new GZipStream(blob, CompressionMode.Decompress, leaveOpen: true),
            _ => throw new InvalidImageException($"The compression {layer.Compression} is not read here."),
        };
    }

    public override int Read(Span<byte> buffer)
    {
        int count;
        try
        {
            count = tar.Read(buffer);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidImageException($"The layer {layer.Blob.Digest} is not gzip, or is damaged: {error.Message}", error);
        }

        read += count;
        hash.AppendData(buffer[..count]);
        if (read > limits.Unpacked.Bytes) throw new InvalidImageException($"The layer {layer.Blob.Digest} unpacks to more than {limits.Unpacked}.");
        if (read > limits.RatioGrace.Bytes && read / limits.CompressionRatio > layer.Blob.Size)
        {
            throw new InvalidImageException($"The layer {layer.Blob.Digest} unpacks to more than {limits.CompressionRatio} times its size: a decompression bomb.");
        }

        return count;
    }

    /// <summary>Reads what is behind the archive's end and checks the blob's digest and the diff id.</summary>
    public void Finish(CancellationToken cancellation)
    {
        var scrap = new byte[64 << 10];
        while (Read(scrap) > 0) cancellation.ThrowIfCancellationRequested();
        blob.ReadToEnd(cancellation);
        var actual = Digest.FromHash(hash.GetHashAndReset());
        if (actual != layer.DiffId) throw new InvalidImageException($"The layer {layer.Blob.Digest} unpacks to {actual}; the config promises the diff id {layer.DiffId}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            tar.Dispose();
            blob.Dispose();
            hash.Dispose();
        }

        base.Dispose(disposing);
    }
}
