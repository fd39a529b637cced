namespace Contingious.Importer.Oci;

/// <summary>Which of the images of an index is meant.</summary>
internal static class PlatformChoice
{
    private const int Listed = 16;

    /// <summary>
    /// The one for the platform that was asked for, else for this host's: one that is exactly for it comes before one that it runs too.
    /// Where nobody asked and there is only one image, that one.
    /// </summary>
    /// <param name="candidates">What there is.</param>
    /// <param name="asked">What was asked for, if anything.</param>
    /// <param name="where">The document that has the candidates, for messages.</param>
    /// <exception cref="InvalidImageException">There is none for the platform; the message lists those that there are.</exception>
    public static Descriptor Choose(IReadOnlyList<Descriptor> candidates, Platform? asked, string where)
    {
        var images = candidates.Where(entry => entry.Platform is not { IsUnknown: true }).ToList();
        // What an index does not say is checked against the image's own config.
        if (images.Count == 1 && (asked is null || images[0].Platform is null)) return images[0];
        var wanted = asked ?? Platform.Host;
        return images.Find(entry => entry.Platform is { } platform && wanted.Matches(platform))
            ?? images.Where(entry => entry.Platform is { } platform && wanted.Runs(platform)).MaxBy(entry => entry.Platform?.Variant, StringComparer.Ordinal)
            ?? throw new InvalidImageException($"{where} has no image for {wanted}. It has: {Listing(images)}. '--platform' chooses another one, a ref or a digest names one.");
    }

    private static string Listing(List<Descriptor> images) => images.Count == 0
        ? "none at all"
        : string.Join(", ", images.Select(entry => entry.Platform?.ToString() ?? $"one without a platform ({entry.Digest})").Take(Listed)) + (images.Count > Listed ? $" and {images.Count - Listed} more" : "");
}
