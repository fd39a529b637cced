using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary><c>image.json</c>, beside the two trees of an image.</summary>
internal static class ImageFile
{
    public const string Name = "image.json";

    public static void Write(DirectoryHandle directory, Image image)
    {
        using var file = new FileStream(directory.CreateFile("image.json"u8, 0x1A4 /* 0644 */), FileAccess.Write);
        JsonSerializer.Serialize(file, image, ImageJson.Default.Image);
    }

    /// <summary>Nothing where the file is missing or is not one of ours.</summary>
    public static Image? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ImageJson.Default.Image);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether two imports of one digest would behave the same: everything but when and from where.</summary>
    public static bool SameCut(Image left, Image right) => Comparable(left).AsSpan().SequenceEqual(Comparable(right));

    private static byte[] Comparable(Image image) =>
        JsonSerializer.SerializeToUtf8Bytes(image with { Source = "", ImportedAt = default }, ImageJson.Default.Image);
}
