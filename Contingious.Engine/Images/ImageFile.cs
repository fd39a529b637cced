using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary><c>image.json</c>, beside the two trees of an image.</summary>
internal static class ImageFile
{
    public const string Name = "image.json";

    /// <summary>No record of ours comes near it.</summary>
    private const int MaxBytes = 16 << 20;

    public static void Write(DirectoryHandle directory, Image image)
    {
        using var file = new FileStream(directory.CreateFile("image.json"u8, 0x1A4 /* 0644 */), FileAccess.Write);
        JsonSerializer.Serialize(file, image, ImageJson.Default.Image);
    }

    /// <summary>Reads the record of an image's directory.</summary>
    /// <returns>The image, or what is wrong.</returns>
    public static (Image? Image, StoreFault Fault, string Why) Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        try
        {
            if (new FileInfo(path).Length > MaxBytes) return (null, StoreFault.Damaged, $"{Name} is larger than any record of an image");
            return Parse(File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, StoreFault.Damaged, $"it has no {Name}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, StoreFault.Damaged, error.Message);
        }
    }

    private static (Image? Image, StoreFault Fault, string Why) Parse(byte[] content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, ImageJson.Default.Image) switch
            {
                null => (null, StoreFault.Damaged, $"{Name} is empty"),
                { Revision: Image.CurrentRevision } image => (image, StoreFault.None, ""),
                var other => Outdated(other.Revision),
            };
        }
        catch (JsonException error)
        {
            // What another version wrote need not have what this one requires.
            return RevisionOf(content) is { } revision and not Image.CurrentRevision ? Outdated(revision) : (null, StoreFault.Damaged, $"{Name} cannot be read: {error.Message}");
        }
    }

    private static (Image? Image, StoreFault Fault, string Why) Outdated(int revision) =>
        (null, StoreFault.Outdated, $"it was imported by {(revision < Image.CurrentRevision ? "an earlier" : "a later")} version of contingious");

    private static int? RevisionOf(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("revision", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var revision) ? revision : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The digest of what an image is: two imports of the same id behave the same.</summary>
    /// <remarks>
    /// Left out is what the same import may say differently another time: from where, when and by which version, and what
    /// was found in the trees (times of what the importer itself made are among it). Members at their default are not written, so that a member that is
    /// added later changes the id of no image that does not use it.
    /// </remarks>
    public static Digest IdOf(Image image) => Digest.Of(JsonSerializer.SerializeToUtf8Bytes(
        image with
        {
            Id = default,
            Source = "",
            ImportedAt = default,
            ImporterVersion = "",
            ImportKey = null,
            Trees = default,
            TotalBytes = 0,
            EditableBytes = 0,
            EditableFiles = 0,
            Config = image.Config with { Env = Sorted(image.Config.Env), Labels = Sorted(image.Config.Labels) },
        },
        ImageDescriptionJson.Default.Image));

    private static SortedDictionary<string, string> Sorted(IReadOnlyDictionary<string, string> map) =>
        new(map.ToDictionary(entry => entry.Key, entry => entry.Value), StringComparer.Ordinal);
}

[JsonSerializable(typeof(Image))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
internal sealed partial class ImageJson : JsonSerializerContext;

[JsonSerializable(typeof(Image))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
internal sealed partial class ImageDescriptionJson : JsonSerializerContext;
