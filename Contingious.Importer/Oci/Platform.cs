using System.Runtime.InteropServices;
using Contingious.Engine;

namespace Contingious.Importer.Oci;

/// <summary>What an image runs on: <c>os/architecture[/variant]</c> (OCI image-spec, image-index.md), names as Go has them.</summary>
internal sealed record Platform
{
    public string Architecture { get; init; } = "";

    public string Os { get; init; } = "";

    public string? Variant { get; init; }

    /// <summary>This host's.</summary>
    public static Platform Host { get; } = new()
    {
        Os = "linux",
        Architecture = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64",
    };

    /// <summary>BuildKit puts attestations beside the images of an index; they are for no platform and nobody can run them.</summary>
    public bool IsUnknown => Os == "unknown" && Architecture == "unknown";

    /// <summary>The variant that is meant where none is said (as containerd and containers/image normalise).</summary>
    private string PlainVariant => (Architecture, Variant ?? "") switch
    {
        ("arm64", "8" or "v8") or ("amd64", "v1") => "",
        ("arm", "") => "v7",
        ("arm", "5" or "6" or "7" or "8") => $"v{Variant}",
        (_, var variant) => variant,
    };

    /// <exception cref="RejectedRequestException">It is not of that form.</exception>
    public static Platform Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length is not (2 or 3) || parts.Any(part => part.Length is 0 or > 32 || !part.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '_' or '-')))
        {
            throw new RejectedRequestException("platform", $"'{text}' is not a platform: it is os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm64/v8.");
        }

        return new Platform { Os = parts[0], Architecture = parts[1], Variant = parts.Length == 3 ? parts[2] : null };
    }

    /// <summary>Whether the two mean the same.</summary>
    public bool Matches(Platform other) => Os == other.Os && Architecture == other.Architecture && PlainVariant == other.PlainVariant;

    /// <summary>Whether this one runs what is made for another one: itself, or on 32-bit arm an older variant.</summary>
    public bool Runs(Platform image) => Matches(image)
        || (Os == image.Os && Architecture == image.Architecture && Architecture == "arm" && string.CompareOrdinal(image.PlainVariant, PlainVariant) < 0);

    public override string ToString() => string.IsNullOrEmpty(Variant) ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";
}
