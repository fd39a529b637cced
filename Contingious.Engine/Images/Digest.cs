using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Contingious.Engine.Images;

/// <summary>
/// A content digest as the OCI image-spec has it, sha256 only: <c>sha256:</c> and 64 lower-case hexadecimal digits, nothing else,
/// so that its hex part is safe as a file name.
/// </summary>
[JsonConverter(typeof(DigestJsonConverter))]
public readonly record struct Digest
{
    public const string Prefix = "sha256:";
    private const int HexLength = 64;

    private readonly string? hex;

    private Digest(string hex) => this.hex = hex;

    /// <summary>The 64 hexadecimal digits.</summary>
    public string Hex => hex ?? new string('0', HexLength);

    /// <summary>The digest's directory in the store.</summary>
    public string DirectoryName => $"sha256-{Hex}";

    /// <summary>For people: the first twelve digits, as docker and podman show them.</summary>
    public string Short => Hex[..12];

    public static bool TryParse(string? text, out Digest digest)
    {
        digest = default;
        if (text is null || text.Length != Prefix.Length + HexLength || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        var digits = text[Prefix.Length..];
        if (!digits.All(char.IsAsciiHexDigitLower)) return false;
        digest = new Digest(digits);
        return true;
    }

    /// <exception cref="FormatException">It is not a digest of that form.</exception>
    public static Digest Parse(string text) =>
        TryParse(text, out var digest) ? digest : throw new FormatException("A digest is sha256: and 64 lower-case hexadecimal digits.");

    /// <summary>The digest of a directory of the store.</summary>
    public static bool TryParseDirectoryName(string name, out Digest digest)
    {
        digest = default;
        return name.StartsWith("sha256-", StringComparison.Ordinal) && TryParse(Prefix + name["sha256-".Length..], out digest);
    }

    public static Digest Of(ReadOnlySpan<byte> content) => FromHash(SHA256.HashData(content));

    /// <param name="hash">32 bytes.</param>
    public static Digest FromHash(ReadOnlySpan<byte> hash) => Parse(Prefix + Convert.ToHexStringLower(hash));

    public override string ToString() => Prefix + Hex;
}

/// <summary>A digest is a string in JSON.</summary>
public sealed class DigestJsonConverter : JsonConverter<Digest>
{
    public override Digest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Digest.TryParse(reader.GetString(), out var digest) ? digest : throw new JsonException("A digest is sha256: and 64 lower-case hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, Digest value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
