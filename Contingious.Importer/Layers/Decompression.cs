using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Layers;

/// <summary>Unpacks what a layer or an archive is packed with, streaming, with bounded memory and strictly: see each stream's remarks.</summary>
internal static class Decompression
{
    private static ReadOnlySpan<byte> GzipMagic => [0x1F, 0x8B];

    private static ReadOnlySpan<byte> ZstdMagic => [0x28, 0xB5, 0x2F, 0xFD];

    private static ReadOnlySpan<byte> XzMagic => [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    /// <summary>How many first bytes <see cref="Sniff(ReadOnlySpan{byte})"/> wants to see.</summary>
    public const int LongestMagic = 6;

    /// <summary>What the first bytes say. A tar archive begins with a name, which is none of the magic numbers in practice.</summary>
    public static LayerCompression Sniff(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith(GzipMagic)) return LayerCompression.Gzip;
        if (head.StartsWith(ZstdMagic) || IsSkippableFrame(head)) return LayerCompression.Zstd;
        return head.StartsWith(XzMagic) ? LayerCompression.Xz : LayerCompression.None;
    }

    /// <summary>Looks at the first bytes of a stream that may not be able to seek.</summary>
    /// <param name="source">Read from where it stands.</param>
    /// <param name="whole">The stream with those bytes in it again; use it instead of <paramref name="source"/>, which it closes.</param>
    public static LayerCompression Sniff(Stream source, out Stream whole)
    {
        var head = new byte[LongestMagic];
        var count = source.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        whole = new PrefixedStream(head.AsMemory(0, count), source);
        return Sniff(head.AsSpan(0, count));
    }

    /// <summary>A stream of what is packed in another one, which is left open and is read to its very end.</summary>
    /// <param name="packed">What to unpack.</param>
    /// <param name="kind">How it is packed; for <see cref="LayerCompression.None"/> the bytes come through as they are.</param>
    /// <param name="what">For messages: <c>layer sha256:…</c>, <c>archive /tmp/x.tar.xz</c>.</param>
    /// <exception cref="HostNotReadyException">The library for it is not installed.</exception>
    /// <remarks>Reading throws <see cref="InvalidImageException"/> for what is damaged, cut short, wants too much memory, or has something else behind it.</remarks>
    public static Stream Open(Stream packed, LayerCompression kind, string what) => new DecompressedStream(Decoder(packed, kind), kind, what);

    private static Stream Decoder(Stream packed, LayerCompression kind)
    {
        switch (kind)
        {
            case LayerCompression.None:
                return new PrefixedStream(default, packed, leaveOpen: true);
            case LayerCompression.Gzip:
                return new GzipMembers(packed);
            case LayerCompression.Zstd:
                return OfLibrary(() => new ZstdStream(packed), "libzstd1");
            case LayerCompression.Xz:
                return OfLibrary(() => new XzStream(packed), "liblzma5");
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such compression.");
        }
    }

    private static Stream OfLibrary(Func<Stream> open, string package)
    {
        try
        {
            return open();
        }
        catch (DllNotFoundException error)
        {
            throw new HostNotReadyException($"A library that unpacks this image is not installed. Mend it with: sudo apt-get install {package}", error);
        }
    }

    private static bool IsSkippableFrame(ReadOnlySpan<byte> head) => head.Length >= 4 && (head[0] & 0xF0) == 0x50 && head[1..].StartsWith((ReadOnlySpan<byte>)[0x2A, 0x4D, 0x18]);

    private sealed class DecompressedStream(Stream decoder, LayerCompression kind, string what) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            try
            {
                return decoder.Read(buffer);
            }
            catch (InvalidDataException error)
            {
                throw new InvalidImageException($"The {what} is not {kind.ToString().ToLowerInvariant()}, or is damaged: {error.Message}. Fetch it again, or pack it anew.", error);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) decoder.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest, bool leaveOpen = false) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> left = prefix;

        public override int Read(Span<byte> buffer)
        {
            if (left.IsEmpty) return rest.Read(buffer);
            var count = Math.Min(left.Length, buffer.Length);
            left.Span[..count].CopyTo(buffer);
            left = left[count..];
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !leaveOpen) rest.Dispose();
            base.Dispose(disposing);
        }
    }
}
