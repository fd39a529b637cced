using Contingious.Engine.Images;

namespace Contingious.Importer;

/// <summary>What to import, under which name, and how to cut it.</summary>
public sealed record ImportRequest
{
    public required ImageReference Name { get; init; }

    /// <summary>
    /// <c>containerfile:DIR</c>, <c>oci:DIR[:ref]</c>, or what skopeo(1) understands: <c>docker://</c>, <c>oci-archive:</c>,
    /// <c>docker-archive:</c>, <c>dir:</c>, <c>containers-storage:</c>.
    /// </summary>
    public required string Source { get; init; }

    /// <summary>For <c>containerfile:</c>: names in the build context, each with the host's file that is copied there.</summary>
    public IReadOnlyDictionary<string, string> HostFiles { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute container paths that submissions write; <see cref="RootfsSplit.DefaultEditable"/> where nothing is said.</summary>
    public IReadOnlyList<string>? Editable { get; init; }

    /// <summary>Paths inside editable ones that stay read-only.</summary>
    public IReadOnlyList<string> ReadOnly { get; init; } = [];

    public ConfigOverrides Overrides { get; init; } = new();

    /// <summary>How sandboxes get their rootfs from it.</summary>
    public CloneEngine CloneEngine { get; init; }
}

/// <summary>What is put over the image's own config; nothing where null.</summary>
public sealed record ConfigOverrides
{
    public IReadOnlyList<string>? Entrypoint { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>Added to the image's environment.</summary>
    public IReadOnlyDictionary<string, string>? Env { get; init; }

    public string? User { get; init; }

    public string? WorkingDir { get; init; }
}
