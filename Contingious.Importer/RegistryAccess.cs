namespace Contingious.Importer;

/// <summary>How registries are spoken to.</summary>
public sealed record RegistryAccess
{
    /// <summary>Off: plain HTTP and certificates of nobody are fine too. The image is verified against its digest all the same, but a tag may then name anything.</summary>
    public bool VerifyTls { get; init; } = true;

    /// <summary>A file of containers-auth.json(5); without one, registries are spoken to as nobody.</summary>
    public string? AuthFile { get; init; }
}
