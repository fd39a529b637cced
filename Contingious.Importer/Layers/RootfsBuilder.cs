using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Layers;

/// <summary>
/// Makes the rootfs of an image, layer over layer: those that the layer store has from there, the others from their blobs, and into the store.
/// </summary>
/// <param name="layers">The image's layers, the lowest first.</param>
/// <param name="open">A layer's tar: verified while it is read, and after it where <see cref="LayerReader.Finish"/> is called.</param>
/// <param name="limits">What the image may cost.</param>
internal sealed class RootfsBuilder(IReadOnlyList<ResolvedLayer> layers, Func<ResolvedLayer, LayerReader> open, ImportLimits limits)
{
    /// <summary>Off only where there is no right to chown.</summary>
    public bool KeepOwners { get; init; } = true;

    /// <summary>The layer store; none is kept where null.</summary>
    public LayerStore? Store { get; init; }

    /// <summary>Whether layers of the store are used. Where not, those that are there are replaced.</summary>
    public bool UsesStored { get; init; } = true;

    /// <summary>Where layers are staged for the store, on its file system.</summary>
    public required string StagingDirectory { get; init; }

    public IProgress<string>? Progress { get; init; }

    /// <summary>Fills an empty directory.</summary>
    /// <exception cref="InvalidImageException">A layer is malformed, not what its digests say, against a limit, or would leave the rootfs.</exception>
    public UnpackedRootfs Build(DirectoryHandle rootfs, CancellationToken cancellation)
    {
        var damaged = new HashSet<Digest>();
        while (true)
        {
            try
            {
                return Build(rootfs, damaged, cancellation);
            }
            catch (DamagedLayerException error) when (damaged.Add(error.DiffId))
            {
                Progress?.Report($"warning: {error.Message} It is unpacked again.");
                rootfs.RemoveContents();
                using var staging = DirectoryHandle.Open(StagingDirectory);
                staging.RemoveContents();
            }
        }
    }

    private UnpackedRootfs Build(DirectoryHandle rootfs, HashSet<Digest> damaged, CancellationToken cancellation)
    {
        var report = new UnpackReport();
        var unpacker = new LayerUnpacker(rootfs, limits, report, KeepOwners);
        var staged = new List<StagedLayer>();
        var (seen, unusable, fromStore) = (new HashSet<Digest>(), new HashSet<Digest>(damaged), 0);
        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            // A layer that an image has twice is unpacked twice: the store's files would be the same files both times, and hard links where there were none.
            var isFirst = seen.Add(layer.DiffId);
            using var stored = isFirst && UsesStored && Store is not null && !damaged.Contains(layer.DiffId) ? StoredLayer.TryOpen(Store, layer.DiffId, Owners(), unpacker.Attributes) : null;
            Progress?.Report($"unpacking layer {i + 1} of {layers.Count}{(stored is null ? "" : ", known from an earlier import")}");
            if (stored is not null)
            {
                unpacker.Apply(stored, cancellation);
                fromStore++;
                continue;
            }

            // What was there and could not be used is replaced.
            if (isFirst) unusable.Add(layer.DiffId);
            if (Unpack(layer, isFirst && Store is not null, unpacker, report, cancellation) is { } complete) staged.Add(complete);
        }

        Store?.Publish(staged, unusable.Contains);
        return new UnpackedRootfs(report, unpacker.LinkedInodes, unpacker.Attributes.HasXattrs, fromStore);
    }

    private StagedLayer? Unpack(ResolvedLayer layer, bool isKept, LayerUnpacker unpacker, UnpackReport report, CancellationToken cancellation)
    {
        using var tar = open(layer);
        using var directory = isKept ? MakeStaging(layer) : null;
        using var recorder = directory is null ? null : new LayerRecorder(directory, Owners());
        try
        {
            unpacker.Apply(new TarLayer(tar, limits.TarHeader, unpacker.Attributes, report, recorder), cancellation);
            tar.Finish(cancellation);
        }
        catch (InvalidImageException error)
        {
            // Where the blob is not what its digest says, that is what is wrong.
            tar.ThrowIfDamaged(error, cancellation);
            throw;
        }

        recorder?.Complete();
        return recorder is { IsComplete: true } ? new StagedLayer(layer.DiffId, $"{StagingDirectory}/{layer.DiffId.DirectoryName}") : null;
    }

    private DirectoryHandle MakeStaging(ResolvedLayer layer)
    {
        using var staging = DirectoryHandle.Open(StagingDirectory);
        var name = System.Text.Encoding.UTF8.GetBytes(layer.DiffId.DirectoryName);
        staging.CreateDirectory(name, 0x1C0 /* 0700 */);
        return staging.OpenDirectory(name);
    }

    /// <summary>Whose ids the files on disk belong to: a keeper that maps others cannot use them.</summary>
    private string Owners() => KeepOwners ? $"kept: uids {string.Join(' ', IdMap.OwnUids())}, gids {string.Join(' ', IdMap.OwnGids())}" : "the importer's own";
}

/// <summary>What is known of a rootfs that was just made.</summary>
/// <param name="Report">What was left out of it.</param>
/// <param name="LinkedInodes">The files that the image gives more than one name.</param>
/// <param name="HasXattrs">Whether anything in it may have an extended attribute.</param>
/// <param name="LayersFromStore">How many layers came out of the layer store.</param>
internal sealed record UnpackedRootfs(UnpackReport Report, InodeSet LinkedInodes, bool HasXattrs, int LayersFromStore);
