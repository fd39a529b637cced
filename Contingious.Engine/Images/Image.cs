using System.Text.Json.Serialization;

namespace Contingious.Engine.Images;

/// <summary>
/// An imported image, cut in two: what a submission may write (cloned for each) and what it may only read (shared by bind mounts).
/// Immutable; stored as <c>image.json</c> beside the two trees.
/// </summary>
public sealed record Image
{
    /// <summary>What the importer of today promises of the trees.</summary>
    public const int CurrentRevision = 2;

    /// <summary>Which importer's promises the trees keep: an image of an earlier one is not used, but has to be imported again.</summary>
    public int Revision { get; init; }

    /// <summary>
    /// What the image is called in the store: the digest of its description, which is all that is recorded here but where it came from, when
    /// it was imported and by which version, and what its trees were found to hold. So another cut of the same manifest is another image.
    /// </summary>
    public Digest Id { get; init; }

    /// <summary>The digest of the image's manifest.</summary>
    public required Digest Digest { get; init; }

    /// <summary>The digest of the image's config.</summary>
    public Digest ConfigDigest { get; init; }

    /// <summary>The digests of its unpacked layers, the lowest first.</summary>
    public IReadOnlyList<Digest> DiffIds { get; init; } = [];

    /// <summary>As the image-spec writes it, such as <c>linux/amd64</c>.</summary>
    public string Platform { get; init; } = "";

    /// <summary>The names that point here now.</summary>
    [JsonIgnore]
    public IReadOnlyList<ImageReference> Names { get; init; } = [];

    /// <summary>Host path of the tree that is cloned for each submission.</summary>
    [JsonIgnore]
    public string EditableDirectory { get; init; } = "";

    /// <summary>Host path of the tree whose subtrees <see cref="ReadOnlyMounts"/> are bound read-only.</summary>
    [JsonIgnore]
    public string ReadOnlyDirectory { get; init; } = "";

    /// <summary>The rules that cut it, in order and as they were given: <c>editable PATH</c> or <c>readonly PATH</c>.</summary>
    public IReadOnlyList<string> SplitRules { get; init; } = [];

    /// <summary>
    /// Absolute container paths such as <c>/usr/lib</c>: each is a real directory, or a regular file, of both trees (an empty one
    /// in the editable tree), none is inside another, sorted.
    /// </summary>
    public required IReadOnlyList<string> ReadOnlyMounts { get; init; }

    /// <summary>Those of <see cref="ReadOnlyMounts"/> that are files.</summary>
    public IReadOnlyList<string> ReadOnlyFiles { get; init; } = [];

    public required ImageConfig Config { get; init; }

    /// <summary>How a sandbox gets its rootfs from the image, unless it is told otherwise.</summary>
    public CloneEngine CloneEngine { get; init; }

    /// <summary>The digest of <c>image.mtree</c>, which lists every entry of both trees.</summary>
    public Digest Trees { get; init; }

    /// <summary>The lengths of the regular files of both trees together.</summary>
    public long TotalBytes { get; init; }

    /// <summary>What a clone occupies: the sizes of the regular files, each rounded up to 4 KiB.</summary>
    public required long EditableBytes { get; init; }

    /// <summary>How many files, directories and links a clone has.</summary>
    public required long EditableFiles { get; init; }

    /// <summary>Whether anything in the editable tree has an extended attribute of <c>user.*</c>: clones look for them only then.</summary>
    public bool EditableXattrs { get; init; }

    /// <summary>What the importer was asked to make of the manifest, in one digest: what has the same one need not be imported again.</summary>
    public Digest? ImportKey { get; init; }

    /// <summary>Where it came from, as the importer was told.</summary>
    public required string Source { get; init; }

    public required DateTimeOffset ImportedAt { get; init; }

    /// <summary>The version of the program that imported it.</summary>
    public string ImporterVersion { get; init; } = "";
}
