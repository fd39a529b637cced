using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine.Images;

namespace Contingious.Importer.Oci;

/// <summary>Points to a blob and says what it is (OCI image-spec, descriptor.md).</summary>
internal sealed record Descriptor
{
    public string MediaType { get; init; } = "";

    public required Digest Digest { get; init; }

    public required long Size { get; init; }

    public Platform? Platform { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>OCI image-spec, image-index.md; also Docker's manifest list.</summary>
internal sealed record ImageIndex
{
    public int SchemaVersion { get; init; }

    public string? MediaType { get; init; }

    public IReadOnlyList<Descriptor>? Manifests { get; init; }

    /// <summary>Not part of an index: read to refuse a document that is an index and a manifest at once (CVE-2021-41190).</summary>
    public JsonElement? Layers { get; init; }

    public JsonElement? Config { get; init; }
}

/// <summary>OCI image-spec, manifest.md; also Docker's schema 2.</summary>
internal sealed record Manifest
{
    public int SchemaVersion { get; init; }

    public string? MediaType { get; init; }

    public Descriptor? Config { get; init; }

    public IReadOnlyList<Descriptor>? Layers { get; init; }

    /// <summary>Not part of a manifest (CVE-2021-41190).</summary>
    public JsonElement? Manifests { get; init; }
}

/// <summary>OCI image-spec, config.md: as much of it as we use.</summary>
internal sealed record ConfigDocument
{
    public string Architecture { get; init; } = "";

    public string Os { get; init; } = "";

    public string? Variant { get; init; }

    public ConfigSection? Config { get; init; }

    public RootfsSection? Rootfs { get; init; }
}

internal sealed record ConfigSection
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    [JsonPropertyName("Env")]
    public IReadOnlyList<string>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public IReadOnlyList<string>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public IReadOnlyList<string>? Cmd { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    /// <summary>A set of paths, written as a map of them to empty objects.</summary>
    [JsonPropertyName("Volumes")]
    public IReadOnlyDictionary<string, JsonElement>? Volumes { get; init; }

    [JsonPropertyName("Labels")]
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
}

internal sealed record RootfsSection
{
    public string Type { get; init; } = "";

    [JsonPropertyName("diff_ids")]
    public IReadOnlyList<Digest>? DiffIds { get; init; }
}

/// <summary>The <c>oci-layout</c> file.</summary>
internal sealed record LayoutMarker
{
    public string ImageLayoutVersion { get; init; } = "";
}

[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(ConfigDocument))]
[JsonSerializable(typeof(LayoutMarker))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 32)]
internal sealed partial class OciJson : JsonSerializerContext;
