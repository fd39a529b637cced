using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>
/// The layers that were unpacked on this host, one directory each, by their diff id (the digest of a layer's tar; OCI image-spec, config.md):
/// <c>sha256-HEX/</c>. What is in one is the importer's. A layer is never changed once it is there.
/// </summary>
/// <remarks>
/// On the file system of the images, whose read-only trees are further names of the same files: removing a layer takes nothing from an image.
/// Whoever reads a layer holds a shared flock(2) on its directory; whoever replaces or removes one takes the exclusive lock first.
/// </remarks>
public sealed class LayerStore(string layersDirectory)
{
    private const uint OwnerOnly = 0x1C0; // 0700
    private const string TrashPrefix = ".removing-";

    /// <summary>Takes a layer into use; nothing where it is not here.</summary>
    public LayerLease? TryOpen(Digest diffId)
    {
        var path = PathOf(diffId);
        while (Directory.Exists(path))
        {
            FileLock held;
            try
            {
                held = FileLock.Shared(path);
            }
            catch (LinuxException error) when (error.Errno == Errno.ENOENT)
            {
                return null;
            }

            // It may have been replaced or removed while we waited for the lock.
            if (held.IsAt(path)) return new LayerLease(diffId, path, held);
            held.Dispose();
        }

        return null;
    }

    /// <summary>Makes directories of complete layers part of the store, by one rename each, once everything of them is on disk.</summary>
    /// <param name="staged">Where each is, on the store's file system; one that the store does not take stays there.</param>
    /// <param name="replace">Takes the place of one that is there, unless somebody reads that.</param>
    /// <exception cref="LinuxException">The disk is full, or fails.</exception>
    public void Publish(IReadOnlyList<StagedLayer> staged, Func<Digest, bool> replace)
    {
        if (staged.Count == 0) return;
        CreateDirectory();
        using var layers = DirectoryHandle.Open(layersDirectory);
        // A rename can be on disk before what is below it (rename(2) promises nothing), and a layer's files are never looked at again.
        layers.SyncFileSystem();
        using var gate = FileLock.Exclusive(layersDirectory);
        foreach (var layer in staged) Place(layers, layer, replace(layer.DiffId));
    }

    /// <summary>What is here, sorted.</summary>
    public IReadOnlyList<Digest> List() => !Directory.Exists(layersDirectory) ? [] :
    [
        .. Directory.EnumerateDirectories(layersDirectory, "sha256-*")
            .Select(path => Digest.TryParseDirectoryName(Path.GetFileName(path), out var digest) ? digest : (Digest?)null)
            .OfType<Digest>()
            .OrderBy(digest => digest.Hex, StringComparer.Ordinal),
    ];

    /// <summary>Removes the layers that no image has. One that is being read stays.</summary>
    /// <param name="inUse">The diff ids of the images that stay.</param>
    /// <returns>What was removed.</returns>
    public IReadOnlyList<Digest> RemoveUnreferenced(IReadOnlySet<Digest> inUse)
    {
        if (!Directory.Exists(layersDirectory)) return [];
        SweepTrash();
        return [.. List().Where(diffId => !inUse.Contains(diffId) && Remove(diffId))];
    }

    /// <summary>Removes a layer; false where it is not here, or is being read.</summary>
    public bool Remove(Digest diffId)
    {
        if (!Directory.Exists(PathOf(diffId))) return false;
        using var layers = DirectoryHandle.Open(layersDirectory);
        var trash = Bytes($"{TrashPrefix}{Guid.NewGuid():N}");
        FileLock? idle = null;
        using (FileLock.Exclusive(layersDirectory))
        {
            if (layers.TryStatus(Bytes(diffId.DirectoryName)) is null) return false;
            idle = FileLock.TryExclusive(PathOf(diffId));
            if (idle is null) return false;
            // Gone at once for everybody else, however long the removal takes and wherever it is cut short.
            layers.Rename(Bytes(diffId.DirectoryName), layers, trash);
        }

        // Held to the end: whoever sweeps lets it alone.
        using (idle) layers.RemoveTree(trash);
        return true;
    }

    private void Place(DirectoryHandle layers, StagedLayer layer, bool replace)
    {
        using var from = DirectoryHandle.Open(Path.GetDirectoryName(layer.Directory) ?? "/");
        var (staged, final) = (Bytes(Path.GetFileName(layer.Directory)), Bytes(layer.DiffId.DirectoryName));
        if (layers.TryStatus(final) is null)
        {
            from.Rename(staged, layers, final);
            return;
        }

        if (!replace) return;
        using var idle = FileLock.TryExclusive(PathOf(layer.DiffId));
        if (idle is not null) from.Exchange(staged, layers, final);
    }

    /// <summary>What a killed removal left.</summary>
    private void SweepTrash()
    {
        using var layers = DirectoryHandle.Open(layersDirectory);
        foreach (var path in Directory.EnumerateDirectories(layersDirectory, TrashPrefix + "*").ToList())
        {
            try
            {
                using var own = FileLock.TryExclusive(path);
                if (own is not null) layers.RemoveTree(Bytes(Path.GetFileName(path)));
            }
            catch (LinuxException error) when (error.Errno == Errno.ENOENT)
            {
                // Somebody else took it away.
            }
        }
    }

    private void CreateDirectory()
    {
        if (Directory.Exists(layersDirectory)) return;
        Directory.CreateDirectory(layersDirectory);
        using var layers = DirectoryHandle.Open(layersDirectory);
        layers.SetMode(OwnerOnly);
    }

    private string PathOf(Digest diffId) => Path.Combine(layersDirectory, diffId.DirectoryName);

    private static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);
}

/// <summary>A complete layer that is not in the store yet.</summary>
/// <param name="DiffId">Which.</param>
/// <param name="Directory">Where it is.</param>
public sealed record StagedLayer(Digest DiffId, string Directory);

/// <summary>A layer in use: it is neither removed nor replaced until this is disposed of.</summary>
public sealed class LayerLease(Digest diffId, string directory, FileLock held) : IDisposable
{
    public Digest DiffId { get; } = diffId;

    public string Directory { get; } = directory;

    public void Dispose() => held.Dispose();
}
