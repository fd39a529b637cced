using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>
/// The imported images of one account: <c>sha256-HEX/{editable/,readonly/,image.json}</c>, never changed once they are there,
/// and <c>names/NAME@TAG</c>, pointer files that are swapped by a rename.
/// </summary>
/// <remarks>Whoever uses an image holds a shared flock(2) on its directory; whoever replaces one takes the exclusive lock first.</remarks>
public sealed class ImageStore(string imagesDirectory)
{
    public const string EditableName = "editable";
    public const string ReadOnlyName = "readonly";

    private const int NamedInMessage = 8;

    /// <summary>0711: others may walk through, which a container's own root needs, but not list.</summary>
    private const uint WalkOnly = 0x1C9;

    private readonly ImagePointers pointers = new(Path.Combine(imagesDirectory, "names"));

    /// <summary>Everything imported, by first name and digest.</summary>
    public IReadOnlyList<Image> List()
    {
        if (!Directory.Exists(imagesDirectory)) return [];
        var names = pointers.All();
        return
        [
            .. Directory.EnumerateDirectories(imagesDirectory, "sha256-*")
                .Select(path => Digest.TryParseDirectoryName(Path.GetFileName(path), out var digest) ? TryLoad(digest, names) : null)
                .OfType<Image>()
                .OrderBy(image => image.Names.Count == 0 ? "~" : image.Names[0].ToString(), StringComparer.Ordinal)
                .ThenBy(image => image.Digest.Hex, StringComparer.Ordinal),
        ];
    }

    /// <summary>Takes an image into use by <c>name</c>, <c>name:tag</c> or <c>sha256:…</c>.</summary>
    /// <exception cref="ImageUnavailableException">No such image is imported here.</exception>
    public ImageLease Lease(string nameOrDigest)
    {
        while (true)
        {
            var digest = Resolve(nameOrDigest) ?? throw Unavailable(nameOrDigest);
            var path = DirectoryOf(digest);
            if (!Directory.Exists(path)) throw Unavailable(nameOrDigest);
            var held = FileLock.Shared(path);
            try
            {
                // The directory may have been replaced while we waited for the lock of the old one.
                if (!held.IsAt(path)) continue;
                var lease = new ImageLease(TryLoad(digest, pointers.All()) ?? throw Unavailable(nameOrDigest), held);
                held = null;
                return lease;
            }
            finally
            {
                held?.Dispose();
            }
        }
    }

    /// <summary>
    /// Makes a staged image (a directory with <c>editable/</c> and <c>readonly/</c>, on the store's file system) part of the store
    /// by one rename, and lets the names point to it. A digest that is there already is only named again, unless it was cut or configured otherwise:
    /// then it is swapped for the new one, provided that nobody uses it.
    /// </summary>
    /// <exception cref="ContingiousException">The same digest is imported with another cut and is in use.</exception>
    public Image Publish(string stagingDirectory, Image image, IReadOnlyList<ImageReference> names)
    {
        CreateDirectories();
        using (var staged = DirectoryHandle.Open(stagingDirectory))
        {
            ImageFile.Write(staged, image);
            staged.SetMode(WalkOnly);
            staged.SyncFileSystem();
        }

        using (FileLock.Exclusive(imagesDirectory)) Place(stagingDirectory, image);
        foreach (var name in names) pointers.Set(name, image.Digest);
        return TryLoad(image.Digest, pointers.All()) ?? throw new ContingiousException($"The image {image.Digest} was published to {DirectoryOf(image.Digest)} and is not there.");
    }

    private void Place(string stagingDirectory, Image image)
    {
        using var staging = DirectoryHandle.Open(Path.GetDirectoryName(stagingDirectory) ?? "/");
        using var images = DirectoryHandle.Open(imagesDirectory);
        var staged = FileName(Path.GetFileName(stagingDirectory));
        var final = FileName(image.Digest.DirectoryName);
        if (images.TryStatus(final) is null)
        {
            staging.Rename(staged, images, final);
        }
        else if (TryLoad(image.Digest, []) is not { } present || !ImageFile.SameCut(present, image))
        {
            using var idle = FileLock.TryExclusive(DirectoryOf(image.Digest))
                ?? throw new ContingiousException($"The image {image.Digest} is imported with other paths or defaults and in use at the moment. Import it again when its jobs have ended.");
            staging.Exchange(staged, images, final);
        }

        images.SyncFileSystem();
    }

    private Digest? Resolve(string nameOrDigest)
    {
        if (Digest.TryParse(nameOrDigest, out var digest)) return digest;
        return ImageReference.TryParse(nameOrDigest, out var reference) ? pointers.Find(reference) : null;
    }

    private Image? TryLoad(Digest digest, IReadOnlyList<(ImageReference Name, Digest Digest)> names)
    {
        var path = DirectoryOf(digest);
        if (ImageFile.TryRead(Path.Combine(path, ImageFile.Name)) is not { } image || image.Digest != digest) return null;
        return image with
        {
            Names = [.. names.Where(entry => entry.Digest == digest).Select(entry => entry.Name)],
            EditableDirectory = Path.Combine(path, EditableName),
            ReadOnlyDirectory = Path.Combine(path, ReadOnlyName),
        };
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

    private string DirectoryOf(Digest digest) => Path.Combine(imagesDirectory, digest.DirectoryName);

    private static byte[] FileName(string name) => Encoding.UTF8.GetBytes(name);
}
