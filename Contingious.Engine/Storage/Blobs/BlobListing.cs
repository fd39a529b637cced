using Contingious.Engine.Images;

namespace Contingious.Engine.Storage.Blobs;

/// <summary>The names of blobs below a directory: two digits of a digest, and the other sixty-two.</summary>
internal sealed class BlobListing(string directory)
{
    public string PathOf(Digest digest) => $"{directory}/{digest.Hex[..2]}/{digest.Hex[2..]}";

    /// <summary>What is of no blob's name is not ours and passed over.</summary>
    public IReadOnlyList<StoredBlob> OldestFirst()
    {
        var blobs = new List<StoredBlob>();
        if (!Directory.Exists(directory)) return blobs;
        foreach (var shelf in new DirectoryInfo(directory).EnumerateDirectories())
        {
            foreach (var file in shelf.EnumerateFiles())
            {
                if (TryRead(shelf.Name + file.Name, file) is { } blob) blobs.Add(blob);
            }
        }

        blobs.Sort(static (one, other) => (one.StoredAt, one.Digest.Hex).CompareTo((other.StoredAt, other.Digest.Hex)));
        return blobs;
    }

    private static StoredBlob? TryRead(string hex, FileInfo file)
    {
        try
        {
            return Digest.TryParse(Digest.Prefix + hex, out var digest) && file.LinkTarget is null ? new StoredBlob(digest, file.Length, file.LastWriteTimeUtc) : null;
        }
        catch (FileNotFoundException)
        {
            // Somebody removed it meanwhile.
            return null;
        }
    }
}
