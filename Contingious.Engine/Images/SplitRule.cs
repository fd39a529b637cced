namespace Contingious.Engine.Images;

/// <summary>
/// One rule of a <see cref="RootfsSplit"/>: what its pattern matches, with all that is below it, is editable or read-only.
/// </summary>
/// <remarks>
/// A pattern is an absolute path. Within a component <c>*</c> stands for any characters, <c>?</c> for one, <c>[a-z]</c> and
/// <c>[!a-z]</c> for one of a set; <c>**</c> is any number of components (at the end: all that is below); a backslash takes
/// the next character as it is. With a slash at its end a pattern matches directories only.
/// </remarks>
public sealed record SplitRule
{
    private const string EditableWord = "editable";
    private const string ReadOnlyWord = "readonly";

    /// <param name="isEditable">Whether it makes editable what it matches, or read-only.</param>
    /// <param name="pattern">The pattern.</param>
    /// <param name="field">Where the pattern was given, for the message of a refusal; <c>editable</c> or <c>readonly</c> where nothing is said.</param>
    /// <exception cref="RejectedRequestException">The pattern is not one.</exception>
    public SplitRule(bool isEditable, string pattern, string? field = null)
    {
        IsEditable = isEditable;
        Compiled = SplitPattern.Parse(field ?? (isEditable ? EditableWord : ReadOnlyWord), pattern);
        Pattern = Compiled.Text;
    }

    public bool IsEditable { get; }

    /// <summary>The pattern in its plain form: without doubled slashes, <c>.</c> components and doubled <c>**</c>.</summary>
    public string Pattern { get; }

    /// <summary>The one path that the rule names; nothing where the pattern is a glob.</summary>
    public string? Path => Compiled.Path;

    /// <summary>How many components the pattern has.</summary>
    public int Depth => Compiled.Depth;

    internal SplitPattern Compiled { get; }

    /// <summary>Reads a rule as a recipe has it: <c>editable /home</c> or <c>readonly /home/**/.cache</c>.</summary>
    /// <exception cref="RejectedRequestException">It is not one.</exception>
    public static SplitRule Parse(string text, string field = "split")
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return (space < 0 ? "" : text[..space]) switch
        {
            EditableWord => new SplitRule(isEditable: true, text[(space + 1)..], field),
            ReadOnlyWord => new SplitRule(isEditable: false, text[(space + 1)..], field),
            _ => throw new RejectedRequestException(field, $"'{text}' is not a rule. Write it as 'editable PATTERN' or 'readonly PATTERN'."),
        };
    }

    /// <summary>The rule that names one path, whatever characters are in it.</summary>
    public static SplitRule Of(bool isEditable, string path) => new(isEditable, SplitPattern.Escape(path));

    public bool Equals(SplitRule? other) => other is not null && other.IsEditable == IsEditable && other.Pattern == Pattern;

    public override int GetHashCode() => HashCode.Combine(IsEditable, Pattern);

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString() => $"{(IsEditable ? EditableWord : ReadOnlyWord)} {Pattern}";
}
