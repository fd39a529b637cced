using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Images.Trees;
using Contingious.Engine.Linux;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Importer.Sources;
using Contingious.Importer.Splitting;

namespace Contingious.Importer;

/// <summary>
/// Imports an image: (1) fetch, (2) verify, (3) unpack, (4) split, (5) publish. Everything happens in a staging directory on the store's file system;
/// the last step is one rename, and until then a failure at any point leaves nothing.
/// </summary>
/// <remarks>Runs as uid 0 of a user namespace that maps ids 0 to 65535: files get the owners that the layers say.</remarks>
public sealed class ImageImporter(ImageStore store, string stagingDirectory, TimeProvider? time = null, ImportLimits? limits = null)
{
    private readonly ImportLimits limits = limits ?? ImportLimits.Default;

    /// <summary>Off only where there is no right to chown, as in an ordinary user's tests.</summary>
    internal bool KeepOwners { get; init; } = true;

    /// <summary>Removes what killed imports left in a staging directory; those that live are let alone.</summary>
    /// <returns>How many there were.</returns>
    public static int ClearStaging(string stagingDirectory) => StagingArea.Clear(stagingDirectory);

    /// <summary>Where layers are kept that were unpacked here; none are where null. On the file system of the staging directory.</summary>
    public LayerStore? Layers { get; init; }

    /// <summary>Imports, names and returns the image; warnings (what was left out) go to <paramref name="progress"/> too.</summary>
    /// <exception cref="ImportException">The image cannot be had or is wrong; says at which step.</exception>
    /// <exception cref="RejectedRequestException">The request is wrong.</exception>
    /// <exception cref="HostNotReadyException">A program is missing on this host.</exception>
    public async Task<Image> ImportAsync(ImportRequest request, IProgress<string>? progress, CancellationToken cancellation)
    {
        var source = ImageSource.Parse(request);
        var platform = request.Platform is { } text ? Platform.Parse(text) : null;
        var split = request.Rules().WithRequired(RootfsSplit.MountTargets);
        var stage = ImportStage.Fetch;
        using var staging = StagingArea.Create(stagingDirectory);
        try
        {
            // (1) Fetch: whatever the source is, an image in a directory comes of it. One that is here already is not fetched again.
            var context = new FetchContext(staging, limits, platform, request.Registry, progress);
            if (request.Fetched is null && await source.IdentifyAsync(context, cancellation).ConfigureAwait(false) is { } known && Reuse(known, request, progress) is { } same) return same;
            var fetched = request.Fetched ?? await source.FetchAsync(context, cancellation).ConfigureAwait(false);

            // (2) Verify: the documents, and that every layer is there, before a byte reaches the rootfs.
            stage = ImportStage.Verify;
            using var layout = fetched.Open(limits);
            var resolved = fetched.Resolve(layout, platform);
            if (Reuse(resolved.Digest, request, progress) is { } present) return present;
            var config = ConfigReader.Read(resolved.Config.Config, request.Overrides, limits);
            if (!resolved.IsForThisHost) progress?.Report($"warning: the image is for {resolved.Platform}, this host is {Platform.Host}");
            VerifyLayers(layout, resolved);

            // (3) Unpack: layer over layer into what will be the editable tree; their digests and sizes are verified as they stream.
            stage = ImportStage.Unpack;
            var unpacked = await Task.Run(() => Unpack(layout, resolved, staging, !request.NoLayerCache, progress, cancellation), cancellation).ConfigureAwait(false);

            // (4) Split: the read-only subtrees move out of it.
            stage = ImportStage.Split;
            progress?.Report("splitting");
            var (cut, hasXattrs, warnings) = await Task.Run(() => Split(split, ref config, staging, unpacked, cancellation), cancellation).ConfigureAwait(false);
            foreach (var warning in unpacked.Report.Lines.Concat(warnings)) progress?.Report($"warning: {warning}");

            // What both trees hold, entry by entry: 'image verify' compares with it later.
            progress?.Report("listing what both trees hold");
            var trees = await TreeListing.WriteAsync(staging.ImageDirectory, cancellation).ConfigureAwait(false);

            // (5) Publish: one rename.
            stage = ImportStage.Publish;
            progress?.Report("publishing");
            cancellation.ThrowIfCancellationRequested();
            var image = new Image
            {
                Revision = Image.CurrentRevision,
                Digest = resolved.Digest,
                ConfigDigest = resolved.ConfigDigest,
                DiffIds = [.. resolved.Layers.Select(layer => layer.DiffId)],
                Platform = resolved.Platform.ToString(),
                SplitRules = [.. request.Rules().Rules.Select(rule => rule.ToString())],
                ReadOnlyMounts = cut.Mounts,
                ReadOnlyFiles = cut.Files,
                Config = config,
                CloneEngine = request.CloneEngine,
                Trees = trees.Digest,
                TotalBytes = trees.TotalBytes,
                EditableBytes = trees.EditableBytes,
                EditableFiles = trees.EditableFiles,
                EditableXattrs = hasXattrs,
                Source = request.Source,
                ImportKey = request.Key,
                ImportedAt = (time ?? TimeProvider.System).GetUtcNow(),
                ImporterVersion = typeof(ImageImporter).Assembly.GetName().Version?.ToString() ?? "",
            };
            return store.Publish(staging.ImageDirectory, image, [request.Name], replace: request.NoLayerCache);
        }
        catch (Exception error) when (error is not OperationCanceledException and not HostNotReadyException and not RejectedRequestException)
        {
            throw new ImportException(stage, request.Name, DiskFullException.Explain(error, stagingDirectory) ?? error);
        }
    }

    private Image? Reuse(Digest digest, ImportRequest request, IProgress<string>? progress)
    {
        if (request.NoLayerCache || store.TryReuse(digest, request.Key, request.Name) is not { } image) return null;
        progress?.Report($"unchanged: {digest} is imported already");
        return image;
    }

    private static void VerifyLayers(ImageLayout layout, ResolvedImage image)
    {
        foreach (var layer in image.Layers)
        {
            using var blob = layout.OpenBlob(layer.Blob, "layer");
            blob.VerifyLength();
        }
    }

    private UnpackedRootfs Unpack(ImageLayout layout, ResolvedImage image, StagingArea staging, bool usesStored, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var rootfs = MakeTree(staging, ImageStore.EditableName);
        var builder = new RootfsBuilder(image.Layers, layer => new LayerReader(layout.OpenBlob(layer.Blob, "layer"), layer, limits, cancellation), limits)
        {
            KeepOwners = KeepOwners,
            Store = Layers,
            UsesStored = usesStored,
            StagingDirectory = staging.LayersDirectory,
            Progress = progress,
        };
        return builder.Build(rootfs, cancellation);
    }

    private (RootfsCut Cut, bool HasXattrs, IReadOnlyList<string> Warnings) Split(RootfsSplit split, ref ImageConfig config, StagingArea staging, UnpackedRootfs unpacked, CancellationToken cancellation)
    {
        using var editable = DirectoryHandle.Open(Path.Combine(staging.ImageDirectory, ImageStore.EditableName));
        using var readOnly = MakeTree(staging, ImageStore.ReadOnlyName);
        var warnings = new List<string>();
        config = MountTargets.Prepare(editable, config, KeepOwners, warnings);
        // A volume is a directory that every container may write, with its own copy of what the image has there.
        var rules = split.WithRequired(config.Volumes.Where(volume => split.LastNaming(volume) is not { IsEditable: false }).Prepend(config.WorkingDir));
        var cut = new RootfsCutter(rules, editable, readOnly, warnings).Cut();
        using var scratch = DirectoryHandle.Open(staging.UnsharingDirectory);
        var hasXattrs = new Unsharing(editable, readOnly, scratch, unpacked, warnings).Run(cancellation);
        return (cut, hasXattrs, warnings);
    }

    private static DirectoryHandle MakeTree(StagingArea staging, string name)
    {
        using var image = DirectoryHandle.Open(staging.ImageDirectory);
        image.CreateDirectory(System.Text.Encoding.UTF8.GetBytes(name), 0x1ED /* 0755 */);
        return image.OpenDirectory(name);
    }
}
