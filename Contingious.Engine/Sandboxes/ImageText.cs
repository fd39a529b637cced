using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>Small files of an image that the engine itself reads: its passwd and group.</summary>
internal static class ImageText
{
    private const int MaxBytes = 1 << 20;

    /// <summary>
    /// The file's content; empty where it is missing, not a regular file or larger than 1 MiB. The file is the image's: it
    /// may be a link out of the tree, a FIFO, or endless (CVE-2024-9676).
    /// </summary>
    /// <param name="path">Absolute inside the container.</param>
    public static byte[] Read(Image image, string path)
    {
        using var root = DirectoryHandle.Open(IsReadOnly(image, path) ? image.ReadOnlyDirectory : image.EditableDirectory);
        return Read(root, path);
    }

    public static byte[] Read(DirectoryHandle root, string path)
    {
        try
        {
            using var file = root.OpenRead(Encoding.UTF8.GetBytes(path.TrimStart('/')), Resolve.InRoot);
            var status = DirectoryHandle.StatusOf(file);
            if (status.Kind != FileKind.Regular || status.Size > MaxBytes) return [];
            var content = new byte[status.Size];
            var length = 0;
            int read;
            while (length < content.Length && (read = RandomAccess.Read(file, content.AsSpan(length), length)) > 0) length += read;
            return content[..length];
        }
        catch (LinuxException)
        {
            return [];
        }
    }

    /// <summary>Whether the path is one of the image's read-only mounts, or below one.</summary>
    public static bool IsReadOnly(Image image, string path) => image.ReadOnlyMounts.Any(mount => path == mount || path.StartsWith($"{mount}/", StringComparison.Ordinal));
}
