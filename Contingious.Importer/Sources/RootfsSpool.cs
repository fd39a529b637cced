using System.Security.Cryptography;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>
/// Makes an image of one layer from a tar archive of a root: unpacked, hashed and looked through in one pass, on its way to the staging directory.
/// </summary>
/// <remarks>
/// A layer cannot hold a file whose name begins with <c>.wh.</c>, for there it means that a file is absent. Tools that write a root know nothing of that,
/// so such a name is refused: taken for what it means in a layer, the file would silently be missing.
/// </remarks>
internal static class RootfsSpool
{
    /// <param name="context">Where it goes, and what it may cost.</param>
    /// <param name="archive">Plain, or packed with gzip, zstd or xz; closed afterwards.</param>
    /// <param name="what">For messages.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="InvalidImageException">It is no tar archive, or against a limit.</exception>
    public static Task<FetchedImage> SpoolAsync(FetchContext context, Stream archive, string what, CancellationToken cancellation) =>
        // Whoever writes a pipe may never end: a read that waits for it is left alone, and ends with this process.
        Task.Run(() => Spool(context, archive, what, cancellation), cancellation).WaitAsync(cancellation);

    private static FetchedImage Spool(FetchContext context, Stream archive, string what, CancellationToken cancellation)
    {
        var layout = new LayoutWriter(context.Staging.PathOf("layout"));
        using var packed = new CountedStream(archive);
        var compression = Decompression.Sniff(packed, out var whole);
        using var source = whole;
        using var tar = Decompression.Open(source, compression, what);
        using var file = File.Create(layout.UnfinishedLayer, bufferSize: 0);
        using var spool = new SpoolStream(tar, packed, file, context.Limits, what, cancellation);
        Check(new TarReader(spool, context.Limits.TarHeader), context.Limits, what);
        // What is behind the archive's end is part of the blob too.
        var scrap = new byte[128 << 10];
        while (spool.Read(scrap) > 0)
        {
        }

        file.Flush();
        return layout.Finish(spool.Finish(), file.Length, context.Platform ?? Platform.Host);
    }

    private static void Check(TarReader reader, ImportLimits limits, string what)
    {
        var entries = 0;
        while (reader.Next() is { } entry)
        {
            if (++entries > limits.Entries) throw new InvalidImageException($"The {what} has more than {limits.Entries} entries.");
            var name = entry.Name.AsSpan().TrimEnd((byte)'/');
            if (name[(name.LastIndexOf((byte)'/') + 1)..].StartsWith(".wh."u8))
            {
                throw new InvalidImageException($"The {what} has a file of the name {NativePath.Display(entry.Name)}: in an image, .wh. in front of a name says that a file is absent. Rename it, or leave it out (tar --exclude='.wh.*').");
            }
        }

        if (entries == 0) throw new InvalidImageException($"The {what} has no entries: it is empty, or no tar archive.");
    }

    private sealed class CountedStream(Stream inner) : ReadOnlyStream
    {
        public long Count { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var count = inner.Read(buffer);
            Count += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Keeps all that is read through it.</summary>
    private sealed class SpoolStream(Stream tar, CountedStream packed, FileStream file, ImportLimits limits, string what, CancellationToken cancellation) : ReadOnlyStream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly byte[] buffered = new byte[256 << 10];
        private (int From, int To) ready;
        private long total;

        /// <summary>In large pieces, whatever size the reader asks for: it asks for blocks of 512 bytes.</summary>
        public override int Read(Span<byte> buffer)
        {
            if (ready.From == ready.To && !Fill()) return 0;
            var count = Math.Min(buffer.Length, ready.To - ready.From);
            buffered.AsSpan(ready.From, count).CopyTo(buffer);
            ready.From += count;
            return count;
        }

        public Digest Finish() => Digest.FromHash(hash.GetHashAndReset());

        protected override void Dispose(bool disposing)
        {
            if (disposing) hash.Dispose();
            base.Dispose(disposing);
        }

        private bool Fill()
        {
            cancellation.ThrowIfCancellationRequested();
            var count = tar.Read(buffered);
            ready = (0, count);
            total += count;
            if (total > limits.Unpacked.Bytes) throw new InvalidImageException($"The {what} unpacks to more than {limits.Unpacked}.");
            if (total > limits.RatioGrace.Bytes && total / limits.CompressionRatio > packed.Count) throw new InvalidImageException($"The {what} unpacks to more than {limits.CompressionRatio} times its size: a decompression bomb.");
            hash.AppendData(buffered.AsSpan(0, count));
            file.Write(buffered.AsSpan(0, count));
            return count > 0;
        }
    }
}
