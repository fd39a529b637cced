using System.Text.Json.Serialization;

namespace Contingious.Engine.Images;

/// <summary>
/// An imported image, cut in two: what a submission may write (cloned for each) and what it may only read (shared by bind mounts).
/// Immutable; stored as <c>image.json</c> beside the two trees.
/// </summary>
public sealed record Image
{
    /// <summary>What the importer of today promises of the trees.</summary>
    public const int CurrentRevision = 1;

    /// <summary>Which importer's promises the trees keep: an image of an earlier one is replaced where it is imported again.</summary>
    public int Revision { get; init; }

    /// <summary>The digest of the image's manifest.</summary>
    public required Digest Digest { get; init; }

    /// <summary>The names that point here now.</summary>
    [JsonIgnore]
    public IReadOnlyList<ImageReference> Names { get; init; } = [];

    /// <summary>Host path of the tree that is cloned for each submission.</summary>
    [JsonIgnore]
    public string EditableDirectory { get; init; } = "";

    /// <summary>Host path of the tree whose subtrees <see cref="ReadOnlyMounts"/> are bound read-only.</summary>
    [JsonIgnore]
    public string ReadOnlyDirectory { get; init; } = "";

    /// <summary>
    /// Absolute container paths such as <c>/usr/lib</c>: each is a real directory of both trees (an empty one in the editable tree),
    /// none is inside another, sorted.
    /// </summary>
    public required IReadOnlyList<string> ReadOnlyMounts { get; init; }

    public required ImageConfig Config { get; init; }

    /// <summary>How a sandbox gets its rootfs from the image, unless it is told otherwise.</summary>
    public CloneEngine CloneEngine { get; init; }

    /// <summary>What a clone occupies: the sizes of the regular files, each rounded up to 4 KiB.</summary>
    public required long EditableBytes { get; init; }

    /// <summary>How many files, directories and links a clone has.</summary>
    public required long EditableFiles { get; init; }

    /// <summary>Where it came from, as the importer was told.</summary>
    public required string Source { get; init; }

    public required DateTimeOffset ImportedAt { get; init; }
}

/// <summary>How a program is started in an image, after the OCI image-spec's config and what the recipe puts over it.</summary>
public sealed record ImageConfig
{
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Cmd { get; init; } = [];

    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary><c>name</c>, <c>uid</c> or either with <c>:group</c>; root where absent.</summary>
    public string? User { get; init; }

    /// <summary>Absolute; a real directory of the editable tree.</summary>
    public string WorkingDir { get; init; } = "/";

    /// <summary>Absolute, in plain form, sorted: directories that a container is to have fresh and writable. Each is a real directory of one of the trees.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

[JsonSerializable(typeof(Image))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
internal sealed partial class ImageJson : JsonSerializerContext;
