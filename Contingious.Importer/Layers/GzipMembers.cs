using System.IO.Compression;
using Contingious.Engine.Linux;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Layers;

/// <summary>
/// Unpacks gzip (RFC 1952), strictly: members one behind another are one stream, but one that is cut short and anything else behind the last are refused.
/// </summary>
/// <remarks>
/// <see cref="GZipStream"/> alone takes a stream that ends early for whole, and leaves what is behind the last member unread. The switch
/// <see cref="StrictSwitch"/> of the runtime, on in every program of ours (Directory.Build.props), mends the first; the second shows in that it
/// stops before it has met the end of its source.
/// </remarks>
internal sealed class GzipMembers : ReadOnlyStream
{
    public const string StrictSwitch = "System.IO.Compression.UseStrictValidation";

    private readonly WatchedSource source;
    private readonly GZipStream gzip;

    public GzipMembers(Stream blob)
    {
        if (!AppContext.TryGetSwitch(StrictSwitch, out var isStrict) || !isStrict)
        {
            throw new InvalidOperationException($"This program does not set {StrictSwitch} in its runtimeconfig.json, so it would take gzip that is cut short for whole.");
        }

        source = new WatchedSource(blob);
        gzip = new GZipStream(source, CompressionMode.Decompress);
    }

    /// <exception cref="InvalidDataException">It is damaged, cut short, or something else is behind it.</exception>
    public override int Read(Span<byte> buffer)
    {
        var count = gzip.Read(buffer);
        if (count > 0 || buffer.IsEmpty) return count;
        if (!source.HasEnded) throw new InvalidDataException("something that is not gzip is behind its last member");
        if (!source.HasContent) throw new InvalidDataException("it is empty");
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) gzip.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Knows whether its end was met; does not close the stream below.</summary>
    private sealed class WatchedSource(Stream inner) : ReadOnlyStream
    {
        public bool HasContent { get; private set; }

        public bool HasEnded { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var count = inner.Read(buffer);
            HasContent |= count > 0;
            HasEnded |= count == 0 && !buffer.IsEmpty;
            return count;
        }
    }
}
