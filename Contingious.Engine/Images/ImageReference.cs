using System.Text.RegularExpressions;

namespace Contingious.Engine.Images;

/// <summary>The name of an imported image, <c>name[:tag]</c>; the tag is <c>latest</c> where absent.</summary>
public sealed partial record ImageReference
{
    public const string DefaultTag = "latest";
    public const int MaxNameLength = 120;

    public const string Rule =
        "An image name has lower-case letters and digits with single '.', '_', '-' or '/' between them, at most 120 characters; "
        + "a tag behind ':' has letters, digits, '_', '.', '-', at most 128.";

    private ImageReference(string name, string tag)
    {
        Name = name;
        Tag = tag;
    }

    public string Name { get; }

    public string Tag { get; }

    /// <summary>The name as one file name: neither '+' nor '@' can be part of a name or tag.</summary>
    public string FileName => $"{Name.Replace('/', '+')}@{Tag}";

    public static bool TryParse(string? text, out ImageReference reference)
    {
        reference = new ImageReference("", "");
        if (text is null) return false;
        var match = Form().Match(text);
        if (!match.Success || match.Groups["name"].Length > MaxNameLength) return false;
        reference = new ImageReference(match.Groups["name"].Value, match.Groups["tag"] is { Success: true } tag ? tag.Value : DefaultTag);
        return true;
    }

    /// <exception cref="FormatException">It is not a reference.</exception>
    public static ImageReference Parse(string text) =>
        TryParse(text, out var reference) ? reference : throw new FormatException($"'{text}' is not an image name. {Rule}");

    /// <summary>The reference of a pointer file; nothing where the file is not one.</summary>
    public static ImageReference? FromFileName(string fileName) =>
        TryParse(fileName.Replace('+', '/').Replace('@', ':'), out var reference) && reference.FileName == fileName ? reference : null;

    public override string ToString() => Tag == DefaultTag ? Name : $"{Name}:{Tag}";

    // The OCI distribution-spec's grammar of names and tags, without a registry in front.
    [GeneratedRegex(@"\A(?<name>[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*)(:(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
