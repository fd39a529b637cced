using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>
/// The imported images of one account: <c>sha256-ID/{rootfs/,ro-rootfs/,image.json,image.mtree}</c>, never changed once they are there,
/// and <c>names/NAME@TAG</c>, pointer files that are swapped by a rename.
/// </summary>
/// <remarks>
/// Whoever uses an image holds a shared flock(2) on its directory; whoever removes one takes the exclusive lock first. Whatever changes
/// names, or which directories there are, holds the store's own lock meanwhile; readers need none.
/// </remarks>
public sealed partial class ImageStore(string imagesDirectory)
{
    /// <summary>The tree that is cloned for each submission.</summary>
    public const string EditableName = "rootfs";

    /// <summary>The tree that all submissions share.</summary>
    public const string ReadOnlyName = "ro-rootfs";

    /// <summary>The fewest digits of an id that stand for all of it, where a person types them.</summary>
    public const int ShortestPrefix = 12;

    private const int NamedInMessage = 8;

    /// <summary>0711: others may walk through, which a container's own root needs, but not list.</summary>
    private const uint WalkOnly = 0x1C9;

    private readonly ImagePointers pointers = new(Path.Combine(imagesDirectory, "names"));

    /// <summary>Every image, by first name and id.</summary>
    public IReadOnlyList<Image> List() => [.. Entries().Select(entry => entry.Image).OfType<Image>()];

    /// <summary>The layers of every image that is here: the layer store need keep no others.</summary>
    public IReadOnlySet<Digest> DiffIds() => List().SelectMany(image => image.DiffIds).ToHashSet();

    /// <summary>Everything in the store, what is damaged too, by first name and id.</summary>
    public IReadOnlyList<StoreEntry> Entries()
    {
        if (!Directory.Exists(imagesDirectory)) return [];
        var names = pointers.All();
        var present = new HashSet<Digest>();
        foreach (var path in Directory.EnumerateDirectories(imagesDirectory, "sha256-*"))
        {
            if (Digest.TryParseDirectoryName(Path.GetFileName(path), out var id)) present.Add(id);
        }

        return
        [
            .. present.Union(names.Select(entry => entry.Id))
                .Select(id => Load(id, names))
                .Where(entry => entry.Fault != StoreFault.Missing || entry.Names.Count > 0)
                .OrderBy(entry => entry.Names.Count == 0 ? "~" : entry.Names[0].ToString(), StringComparer.Ordinal)
                .ThenBy(entry => entry.Id.Hex, StringComparer.Ordinal),
        ];
    }

    /// <summary>
    /// Takes an image into use by <c>name</c>, <c>name:tag</c> or <c>sha256:…</c>, which is its id or else the digest of its manifest: of several
    /// that were cut from one manifest, one with a name comes first, and then the one imported last.
    /// </summary>
    /// <exception cref="ImageUnavailableException">No such image is imported here, or it cannot be used.</exception>
    public ImageLease Lease(string nameOrDigest)
    {
        while (true)
        {
            var id = Resolve(nameOrDigest) ?? throw Unavailable(nameOrDigest);
            if (TryLease(id) is { } lease) return lease;
            var there = Load(id, pointers.All());
            if (there.Fault != StoreFault.None && Resolve(nameOrDigest) == id) throw Unusable(nameOrDigest, there);

            // Removed or replaced meanwhile: what the name means now may be another image.
        }
    }

    /// <summary>
    /// What a person means by a name, an id, the digest of a manifest, or <see cref="ShortestPrefix"/> and more digits that an id or such a
    /// digest begins with (<c>sha256:</c> in front or not); in this order.
    /// </summary>
    /// <exception cref="ImageUnavailableException">There is no such image, or there are several.</exception>
    public StoreEntry Find(string text)
    {
        var entries = Entries();
        if (ImageReference.TryParse(text, out var reference) && entries.FirstOrDefault(entry => entry.Names.Contains(reference)) is { } named) return named;
        var digits = text.StartsWith(Digest.Prefix, StringComparison.Ordinal) ? text[Digest.Prefix.Length..] : text;
        if (digits.Length < ShortestPrefix || !digits.All(char.IsAsciiHexDigitLower)) throw Unavailable(text);
        var meant = entries.Where(entry => entry.Id.Hex.StartsWith(digits, StringComparison.Ordinal)).ToList();
        if (meant.Count == 0) meant = [.. entries.Where(entry => entry.Image?.Digest.Hex.StartsWith(digits, StringComparison.Ordinal) == true)];
        return meant.Count switch
        {
            0 => throw Unavailable(text),
            1 => meant[0],
            _ => throw new ImageUnavailableException(text, $"{text} can be any of {meant.Count} images: {string.Join(", ", meant.Select(entry => $"{entry.Id.Short} ({entry.Title})"))}. Name one of these."),
        };
    }

    /// <summary>
    /// A name or digest as a job has it, of what a person typed: the whole id in place of the digits that it begins with, where that is one image. Anything else stays what it is.
    /// </summary>
    public string Spell(string text)
    {
        if (Digest.TryParse(text, out _) || (ImageReference.TryParse(text, out var reference) && pointers.Find(reference) is not null)) return text;
        try
        {
            return Find(text).Id.ToString();
        }
        catch (ImageUnavailableException)
        {
            // Whoever leases it says what is wrong.
            return text;
        }
    }

    /// <summary>
    /// Makes a staged image (a directory with <see cref="EditableName"/> and <see cref="ReadOnlyName"/>, on the store's file system) part of the store
    /// by one rename, and lets the names point to it. Where the same image is there already, it is only named again.
    /// </summary>
    /// <param name="stagingDirectory">The staged image.</param>
    /// <param name="image">Its description.</param>
    /// <param name="names">What is to point to it.</param>
    /// <param name="replace">Takes the place of the same image, whose files may be damaged.</param>
    /// <returns>The image as it is in the store, under its id.</returns>
    /// <exception cref="ContingiousException">What it is to replace is in use.</exception>
    public Image Publish(string stagingDirectory, Image image, IReadOnlyList<ImageReference> names, bool replace = false)
    {
        CreateDirectories();
        var described = image with { Id = ImageFile.IdOf(image) };
        using (var staged = DirectoryHandle.Open(stagingDirectory))
        {
            ImageFile.Write(staged, described);
            staged.SetMode(WalkOnly);
            staged.SyncFileSystem();
        }

        Image published;
        using (Alone())
        {
            Point(names, described.Id, () => Place(stagingDirectory, described.Id, replace));
            published = Load(described.Id, pointers.All()).Image
                ?? throw new ContingiousException($"The image {described.Id} was published to {DirectoryOf(described.Id)} and is not there.");
        }

        SweepTrash();
        return published;
    }

    /// <summary>Lets one more name point to an image; a name that points elsewhere moves.</summary>
    /// <param name="existing">As <see cref="Find"/> takes it.</param>
    /// <param name="name">The new name.</param>
    /// <exception cref="ImageUnavailableException">There is no such image, or it cannot be used.</exception>
    public Image Tag(string existing, ImageReference name)
    {
        CreateDirectories();
        using var alone = Alone();
        var entry = Find(existing);
        if (entry.Image is null) throw Unusable(existing, entry);
        Point([name], entry.Id, static () => { });
        return Load(entry.Id, pointers.All()).Image ?? throw Unusable(existing, entry);
    }

    /// <summary>Lets a name point to what is imported already, where that is the same image and the importer was asked for the same.</summary>
    /// <param name="manifest">The manifest's digest.</param>
    /// <param name="importKey">As <see cref="Image.ImportKey"/>.</param>
    /// <param name="name">The name.</param>
    /// <returns>The image; nothing where it must be imported.</returns>
    public Image? TryReuse(Digest manifest, Digest importKey, ImageReference name)
    {
        if (!Directory.Exists(imagesDirectory)) return null;
        CreateDirectories();
        using var alone = Alone();
        if (List().FirstOrDefault(image => image.Digest == manifest && image.ImportKey == importKey) is not { } same) return null;
        Point([name], same.Id, static () => { });
        return Load(same.Id, pointers.All()).Image;
    }

    /// <summary>Where an image is, or would be.</summary>
    public string DirectoryOf(Digest id) => Path.Combine(imagesDirectory, id.DirectoryName);

    private ImageLease? TryLease(Digest id)
    {
        var path = DirectoryOf(id);
        FileLock held;
        try
        {
            held = FileLock.Shared(path);
        }
        catch (LinuxException error) when (error.Errno == Errno.ENOENT)
        {
            return null;
        }

        // The directory may have been removed or replaced while we waited for its lock.
        if (held.IsAt(path) && Load(id, []).Image is { } image) return new ImageLease(image, held);
        held.Dispose();
        return null;
    }

    private void Place(string stagingDirectory, Digest id, bool replace)
    {
        using var staging = DirectoryHandle.Open(Path.GetDirectoryName(stagingDirectory) ?? "/");
        using var images = DirectoryHandle.Open(imagesDirectory);
        var staged = FileName(Path.GetFileName(stagingDirectory));
        var final = FileName(id.DirectoryName);
        if (images.TryStatus(final) is null)
        {
            staging.Rename(staged, images, final);
        }
        else if (replace || Load(id, []).Image is null)
        {
            // Not a whole image, though of the right name, or one that is not trusted any more: nothing of it is worth keeping.
            using var idle = FileLock.TryExclusive(DirectoryOf(id));
            if (idle is null || IsMounted(id)) throw new ContingiousException($"The image {id.Short} is there already, to be replaced, and in use at the moment. Import it again when no job and no mount ('contingious image mount' lists them) uses it.");
            staging.Exchange(staged, images, final);
        }

        images.SyncFileSystem();
    }

    /// <param name="names">What is to point there.</param>
    /// <param name="id">Where.</param>
    /// <param name="place">Puts it there, when the names are written and only have to be renamed: on a full disk neither happens.</param>
    private void Point(IReadOnlyList<ImageReference> names, Digest id, Action place)
    {
        var pending = new List<PendingPointer>();
        try
        {
            foreach (var name in names) pending.Add(pointers.Prepare(name, id));
            place();
            foreach (var pointer in pending) pointer.Commit();
        }
        finally
        {
            foreach (var pointer in pending) pointer.Dispose();
        }
    }

    private Digest? Resolve(string nameOrDigest)
    {
        if (!Digest.TryParse(nameOrDigest, out var digest)) return ImageReference.TryParse(nameOrDigest, out var reference) ? pointers.Find(reference) : null;

        if (Directory.Exists(DirectoryOf(digest))) return digest;
        return List().Where(image => image.Digest == digest)
            .OrderByDescending(image => image.Names.Count > 0)
            .ThenByDescending(image => image.ImportedAt)
            .Select(image => (Digest?)image.Id)
            .FirstOrDefault();
    }

    private StoreEntry Load(Digest id, IReadOnlyList<(ImageReference Name, Digest Id)> names)
    {
        var path = DirectoryOf(id);
        IReadOnlyList<ImageReference> own = [.. names.Where(entry => entry.Id == id).Select(entry => entry.Name)];
        if (!Directory.Exists(path)) return new StoreEntry(id, own, null, StoreFault.Missing, "its directory is not there");
        var (image, fault, why) = ImageFile.Read(path);
        if (image is null) return new StoreEntry(id, own, null, fault, why);
        if (image.Id != id) return new StoreEntry(id, own, null, StoreFault.Damaged, $"its record says that it is {image.Id}");
        if (Array.Find([EditableName, ReadOnlyName], tree => !Directory.Exists(Path.Combine(path, tree))) is { } missing) return new StoreEntry(id, own, null, StoreFault.Damaged, $"it has no {missing}");
        var whole = image with { Names = own, EditableDirectory = Path.Combine(path, EditableName), ReadOnlyDirectory = Path.Combine(path, ReadOnlyName) };
        return new StoreEntry(id, own, whole, StoreFault.None, "");
    }

    private static ImageUnavailableException Unusable(string asked, StoreEntry entry)
    {
        var name = entry.Names.Count > 0 ? entry.Names[0].ToString() : asked;
        return new ImageUnavailableException(asked, $"The image {asked} cannot be used: {entry.Why}. Import it again ('contingious import {name}'); 'contingious image prune' then removes what is left of this one.");
    }

    private ImageUnavailableException Unavailable(string image)
    {
        if (!Digest.TryParse(image, out _) && !ImageReference.TryParse(image, out _))
        {
            return new ImageUnavailableException(image, $"'{image}' is not an image name or digest. {ImageReference.Rule}");
        }

        var known = pointers.All().Select(entry => entry.Name.ToString()).ToList();
        var imported = known.Count switch
        {
            0 => "No image is imported here yet.",
            <= NamedInMessage => $"Imported are: {string.Join(", ", known)}.",
            _ => $"Imported are: {string.Join(", ", known.Take(NamedInMessage))} and {known.Count - NamedInMessage} more.",
        };
        return new ImageUnavailableException(image, $"The image {image} is not imported here. {imported} 'contingious import {image}' imports it.");
    }

    /// <summary>Nobody else changes the store while this is held; what somebody left half done is cleared away first.</summary>
    private FileLock Alone()
    {
        var alone = FileLock.Exclusive(imagesDirectory);
        try
        {
            pointers.Sweep();
            return alone;
        }
        catch
        {
            alone.Dispose();
            throw;
        }
    }

    private void CreateDirectories()
    {
        if (!Directory.Exists(imagesDirectory))
        {
            Directory.CreateDirectory(imagesDirectory);
            using var images = DirectoryHandle.Open(imagesDirectory);
            images.SetMode(WalkOnly);
        }

        pointers.CreateDirectory();
    }

    private static byte[] FileName(string name) => System.Text.Encoding.UTF8.GetBytes(name);
}
