using System.Text.RegularExpressions;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>
/// <c>docker://HOST/NAME[:TAG][@DIGEST]</c>: skopeo(1) speaks to the registry. The manifest comes first, so that what is here already is known by its digest; then
/// exactly that digest is copied, byte for byte as the registry has it, whatever a tag means by then.
/// </summary>
internal sealed partial class RegistrySource(string name, string? tag, Digest? pin) : ImageSource
{
    private const int MaxIndexDepth = 3;

    private Digest? found;

    private string Asked => pin is { } digest ? $"docker://{name}@{digest}" : tag is null ? $"docker://{name}" : $"docker://{name}:{tag}";

    /// <exception cref="RejectedRequestException">It is not the name of an image in a registry.</exception>
    public static RegistrySource Parse(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var named = at < 0 ? text : text[..at];
        // A colon in front of the last slash is a port's.
        var colon = named.LastIndexOf(':') is var last && last > named.LastIndexOf('/') ? last : -1;
        var (name, tag) = colon < 0 ? (named, null) : (named[..colon], named[(colon + 1)..]);
        if (!name.StartsWith("//", StringComparison.Ordinal) || !Name().IsMatch(name[2..]) || (tag is not null && !Tag().IsMatch(tag)))
        {
            throw new RejectedRequestException("source", $"'docker:{text}' is not an image of a registry: that is docker://HOST[:PORT]/NAME, with :TAG or @sha256:… behind it.");
        }

        if (at < 0) return new RegistrySource(name[2..], tag, pin: null);
        if (!Digest.TryParse(text[(at + 1)..], out var digest)) throw new RejectedRequestException("source", $"'{text[(at + 1)..]}' is not a digest: that is sha256: and 64 lower-case hexadecimal digits.");
        return new RegistrySource(name[2..], tag: null, digest);
    }

    public override async Task<Digest?> IdentifyAsync(FetchContext context, CancellationToken cancellation) =>
        await FindAsync(context, cancellation).ConfigureAwait(false);

    public override async Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        var digest = await FindAsync(context, cancellation).ConfigureAwait(false);
        return await Skopeo.CopyExactAsync(context, $"docker://{name}@{digest}", digest, Access(context.Registry, "--src-tls-verify"), cancellation).ConfigureAwait(false);
    }

    /// <summary>Finds the manifest for the platform, and judges it before anything of its layers is asked for.</summary>
    private async Task<Digest> FindAsync(FetchContext context, CancellationToken cancellation)
    {
        if (found is { } known) return known;
        context.Progress?.Report($"skopeo asks for {Asked}");
        var (content, wanted, platform) = (await InspectAsync(context, Asked, cancellation).ConfigureAwait(false), pin, context.Platform);
        for (var depth = 0; ; depth++)
        {
            var document = DocumentReader.Describe(content, $"manifest of {Asked}");
            if (wanted is { } digest && digest != document.Digest) throw new InvalidImageException($"The registry answers {document.Digest} where {digest} was asked for.");
            if (MediaTypes.IsManifest(document.MediaType))
            {
                _ = DocumentReader.Manifest(content, document, context.Limits);
                found = document.Digest;
                return document.Digest;
            }

            if (!MediaTypes.IsIndex(document.MediaType)) throw new InvalidImageException($"{Asked} has the media type '{document.MediaType}', which is neither an image nor an index.");
            if (depth >= MaxIndexDepth) throw new InvalidImageException($"Image indexes are nested deeper than {MaxIndexDepth}.");
            var entries = DocumentReader.Entries(DocumentReader.Parse(content, "index", OciJson.Default.ImageIndex), $"The index {document.Digest}");
            wanted = PlatformChoice.Choose(entries, platform, Asked).Digest;
            content = await InspectAsync(context, $"docker://{name}@{wanted}", cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<byte[]> InspectAsync(FetchContext context, string image, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        await Skopeo.RunAsync(
            context,
            ["inspect", "--raw", .. Access(context.Registry, "--tls-verify"), image],
            (output, stop) => CappedCopy.CopyAsync(output, content, context.Limits.Document, $"The manifest of {image}", stop),
            cancellation).ConfigureAwait(false);
        return content.ToArray();
    }

    private static IEnumerable<string> Access(RegistryAccess registry, string tlsOption)
    {
        if (!registry.VerifyTls) yield return $"{tlsOption}=false";
        if (registry.AuthFile is not { } file) yield break;
        yield return "--authfile";
        yield return file;
    }

    // No more exact than keeps it one argument that can only be a name: the registry knows its own grammar.
    [GeneratedRegex(@"\A[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]*\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\z")]
    private static partial Regex Tag();
}
