using Contingious.Engine.Model;

namespace Contingious.Importer;

/// <summary>What an import may cost, whatever the image says of itself.</summary>
public sealed record ImportLimits
{
    /// <summary>Manifest, index and config are read into memory up to this size (the OCI distribution-spec asks registries for 4 MiB).</summary>
    public ByteSize Document { get; init; } = ByteSize.FromMiB(4);

    /// <summary>All extended headers (pax, GNU long names) of one tar entry.</summary>
    public ByteSize TarHeader { get; init; } = ByteSize.FromMiB(1);

    /// <summary>All layers together, unpacked.</summary>
    public ByteSize Unpacked { get; init; } = ByteSize.FromGiB(64);

    /// <summary>Entries of all layers together.</summary>
    public int Entries { get; init; } = 1_000_000;

    public int Layers { get; init; } = 512;

    /// <summary>The components of one path.</summary>
    public int Depth { get; init; } = 256;

    /// <summary>Unpacked against compressed size of a layer, looked at once <see cref="RatioGrace"/> is unpacked. gzip can reach 1,032.</summary>
    public int CompressionRatio { get; init; } = 256;

    public ByteSize RatioGrace { get; init; } = ByteSize.FromMiB(64);

    /// <summary>Entrypoint, command and environment: items, and bytes in all (execve(2) has its own limits).</summary>
    public int ConfigItems { get; init; } = 4096;

    public ByteSize ConfigText { get; init; } = ByteSize.FromKiB(128);

    public static ImportLimits Default { get; } = new();
}
