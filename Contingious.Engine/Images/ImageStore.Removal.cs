using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>
/// Taking images out of the store. One is renamed to a name that nobody looks for and only then taken apart, so that a removal
/// which is killed leaves nothing but such a name, and whoever comes next takes it away.
/// </summary>
public sealed partial class ImageStore
{
    private const string TrashPrefix = ".trash-";

    /// <summary>Removes a name, and with the last name the image, unless somebody uses it.</summary>
    /// <param name="nameOrId">As <see cref="Find"/> takes it; an id may have one name at the most.</param>
    /// <exception cref="ImageUnavailableException">There is no such image.</exception>
    /// <exception cref="ContingiousException">It has several names and was not meant by one of them, or no name and is in use.</exception>
    public ImageRemoval Remove(string nameOrId)
    {
        if (!Directory.Exists(imagesDirectory)) throw Unavailable(nameOrId);
        CreateDirectories();
        ImageRemoval removal;
        using (Alone())
        {
            var entry = Find(nameOrId);
            var name = ImageReference.TryParse(nameOrId, out var reference) && entry.Names.Contains(reference) ? reference : null;
            if (name is null && entry.Names.Count > 1)
            {
                throw new ContingiousException($"The image {entry.Id.Short} has {entry.Names.Count} names: {string.Join(", ", entry.Names)}. Remove them by name; with the last one the image goes.");
            }

            IReadOnlyList<ImageReference> leaving = name is null ? entry.Names : [name];

            // The names first: killed in between, this leaves an image without a name, and never a name without an image.
            foreach (var gone in leaving) pointers.Remove(gone);
            var others = entry.Names.Except(leaving).ToList();
            var kept = others.Count > 0 ? $"it is also called {string.Join(", ", others)}" : TryTrash(entry);
            if (kept is not null && leaving.Count == 0) throw new ContingiousException($"The image {entry.Id.Short} stays: {kept}. 'contingious image prune' removes it later.");
            removal = new ImageRemoval(entry.Id, leaving, kept is null, kept ?? "");
        }

        SweepTrash();
        return removal;
    }

    /// <summary>Removes whatever no name points to and nobody uses: former versions of images, and what is damaged.</summary>
    /// <param name="olderThan">Spares what was imported later than this; nothing is spared where it is nothing.</param>
    public PruneReport Prune(DateTimeOffset? olderThan = null)
    {
        if (!Directory.Exists(imagesDirectory)) return new PruneReport([], [], new HashSet<Digest>());
        CreateDirectories();
        var (removed, kept, layers) = (new List<StoreEntry>(), new List<StoreEntry>(), new HashSet<Digest>());
        using (Alone())
        {
            foreach (var entry in Entries())
            {
                if (entry.Names.Count == 0 && IsOld(entry, olderThan))
                {
                    if (TryTrash(entry) is null)
                    {
                        removed.Add(entry);
                        continue;
                    }

                    kept.Add(entry);
                }

                layers.UnionWith(entry.Image?.DiffIds ?? []);
            }
        }

        SweepTrash();
        return new PruneReport(removed, kept, layers);
    }

    private bool IsOld(StoreEntry entry, DateTimeOffset? olderThan) =>
        olderThan is not { } limit || (entry.Image?.ImportedAt ?? Directory.GetLastWriteTimeUtc(DirectoryOf(entry.Id))) <= limit;

    /// <summary>Takes an image out of everybody's sight.</summary>
    /// <returns>Why not; nothing where it is done.</returns>
    private string? TryTrash(StoreEntry entry)
    {
        if (entry.Fault == StoreFault.Missing) return null;
        using var idle = FileLock.TryExclusive(DirectoryOf(entry.Id));
        if (idle is null) return "it is in use";

        // After the lock: whoever mounts an image holds it until the mount is there.
        if (IsMounted(entry.Id)) return "it is mounted ('contingious image mount' lists where)";
        using var images = DirectoryHandle.Open(imagesDirectory);
        images.Rename(FileName(entry.Id.DirectoryName), images, FileName($"{TrashPrefix}{Guid.NewGuid():N}"));
        return null;
    }

    private static bool IsMounted(Digest id) => MountTable.Read().Any(mount => mount.Mentions($"/{id.DirectoryName}/"));

    /// <summary>Takes apart what was taken out of sight, by whomever. Not under the store's lock: it can take long.</summary>
    private void SweepTrash()
    {
        foreach (var path in Directory.EnumerateDirectories(imagesDirectory, $"{TrashPrefix}*").ToList())
        {
            try
            {
                // Somebody else may be at it.
                using var own = FileLock.TryExclusive(path);
                if (own is null) continue;
                using var images = DirectoryHandle.Open(imagesDirectory);
                images.RemoveTree(FileName(Path.GetFileName(path)));
            }
            catch (LinuxException error) when (error.Errno == Errno.ENOENT)
            {
                // Somebody else had it, and is done.
            }
        }
    }
}
