using Contingious.Engine;
using Contingious.Engine.Images;
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

    /// <summary>Imports, names and returns the image; warnings (what was left out) go to <paramref name="progress"/> too.</summary>
    /// <exception cref="ImportException">The image cannot be had or is wrong; says at which step.</exception>
    /// <exception cref="RejectedRequestException">The request is wrong.</exception>
    /// <exception cref="HostNotReadyException">A program is missing on this host.</exception>
    public async Task<Image> ImportAsync(ImportRequest request, IProgress<string>? progress, CancellationToken cancellation)
    {
        var source = ImageSource.Parse(request);
        var split = new RootfsSplit(request.Editable ?? RootfsSplit.DefaultEditable, request.ReadOnly).WithEditable(RootfsSplit.MountTargets);
        var stage = ImportStage.Fetch;
        using var staging = StagingArea.Create(stagingDirectory);
        try
        {
            // (1) Fetch: whatever the source is, an OCI image layout comes of it.
            var fetched = await source.FetchAsync(staging, progress, cancellation).ConfigureAwait(false);
            using var layout = new ImageLayout(fetched.Directory, limits);

            // (2) Verify: every digest and size, before a byte reaches the rootfs.
            stage = ImportStage.Verify;
            var resolved = layout.Resolve(fetched.Reference);
            var config = ConfigReader.Read(resolved.Config.Config, request.Overrides, limits);
            if (!resolved.IsForThisHost) progress?.Report($"warning: the image is for {resolved.Platform}, this host is {ImageLayout.HostPlatform}");
            progress?.Report($"verifying {resolved.Layers.Count} layers of {resolved.Digest}");
            await Task.Run(() => Verify(layout, resolved, cancellation), cancellation).ConfigureAwait(false);

            // (3) Unpack: layer over layer into what will be the editable tree.
            stage = ImportStage.Unpack;
            var report = new UnpackReport();
            await Task.Run(() => Unpack(layout, resolved, staging, report, progress, cancellation), cancellation).ConfigureAwait(false);

            // (4) Split: the read-only subtrees move out of it.
            stage = ImportStage.Split;
            progress?.Report("splitting");
            var (mounts, size, warnings) = await Task.Run(() => Split(split, ref config, staging), cancellation).ConfigureAwait(false);
            foreach (var warning in report.Lines.Concat(warnings)) progress?.Report($"warning: {warning}");

            // (5) Publish: one rename.
            stage = ImportStage.Publish;
            cancellation.ThrowIfCancellationRequested();
            var image = new Image
            {
                Revision = Image.CurrentRevision,
                Digest = resolved.Digest,
                ReadOnlyMounts = mounts,
                Config = config,
                CloneEngine = request.CloneEngine,
                EditableBytes = size.Bytes,
                EditableFiles = size.Files,
                Source = request.Source,
                ImportedAt = (time ?? TimeProvider.System).GetUtcNow(),
            };
            return store.Publish(staging.ImageDirectory, image, [request.Name]);
        }
        catch (Exception error) when (error is not OperationCanceledException and not HostNotReadyException and not RejectedRequestException)
        {
            throw new ImportException(stage, request.Name, error);
        }
    }

    private static void Verify(ImageLayout layout, ResolvedImage image, CancellationToken cancellation)
    {
        foreach (var layer in image.Layers)
        {
            using var blob = layout.OpenBlob(layer.Blob, "layer");
            blob.ReadToEnd(cancellation);
        }
    }

    private void Unpack(ImageLayout layout, ResolvedImage image, StagingArea staging, UnpackReport report, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var rootfs = MakeTree(staging, ImageStore.EditableName);
        var unpacker = new LayerUnpacker(rootfs, limits, report, KeepOwners);
        for (var i = 0; i < image.Layers.Count; i++)
        {
            progress?.Report($"unpacking layer {i + 1} of {image.Layers.Count}");
            // Verified once more as it is read: the layout may not be ours, and may have changed since.
            using var layer = new LayerReader(layout.OpenBlob(image.Layers[i].Blob, "layer"), image.Layers[i], limits);
            unpacker.Apply(layer, cancellation);
            layer.Finish(cancellation);
        }
    }

    private (IReadOnlyList<string> Mounts, TreeSize Size, IReadOnlyList<string> Warnings) Split(RootfsSplit split, ref ImageConfig config, StagingArea staging)
    {
        using var editable = DirectoryHandle.Open(Path.Combine(staging.ImageDirectory, ImageStore.EditableName));
        using var readOnly = MakeTree(staging, ImageStore.ReadOnlyName);
        var warnings = new List<string>();
        config = MountTargets.Prepare(editable, config, KeepOwners, warnings);
        // A volume is a directory that every container may write, with its own copy of what the image has there.
        var rules = split.WithEditable(config.Volumes.Except(split.ReadOnly).Prepend(config.WorkingDir));
        var mounts = new RootfsCutter(rules, editable, readOnly, warnings).Cut();
        return (mounts, TreeSize.Of(editable), warnings);
    }

    private static DirectoryHandle MakeTree(StagingArea staging, string name)
    {
        using var image = DirectoryHandle.Open(staging.ImageDirectory);
        image.CreateDirectory(System.Text.Encoding.UTF8.GetBytes(name), 0x1ED /* 0755 */);
        return image.OpenDirectory(name);
    }
}
