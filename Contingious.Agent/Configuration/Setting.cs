using System.Globalization;

namespace Contingious.Agent.Configuration;

/// <summary>
/// One value that an operator can set, by file, environment or option. All three go through <see cref="Set"/>, so that they have the
/// same rules and the same errors.
/// </summary>
internal sealed class Setting
{
    /// <summary>What the names of all variables begin with.</summary>
    public const string Prefix = "CONTINGIOUS_";

    private readonly Func<ConfigDraft, string, string?> set;
    private readonly Func<ConfigDraft, string?> show;
    private readonly ConfigKind kind;

    private Setting(string key, ConfigKind kind, Func<ConfigDraft, string, string?> set, Func<ConfigDraft, string?> show)
    {
        Key = key;
        this.kind = kind;
        this.set = set;
        this.show = show;
    }

    /// <summary>Its place in the file, such as <c>agent.slots</c>.</summary>
    public string Key { get; }

    /// <summary>Never shown, and no error repeats it.</summary>
    public bool IsSecret { get; init; }

    public bool IsNumber => kind == ConfigKind.Number;

    /// <summary>The environment's name for it: <c>CONTINGIOUS_AGENT_SLOTS</c> for <c>agent.slots</c>.</summary>
    public string Variable => Prefix + Key.Replace('.', '_').ToUpperInvariant();

    /// <summary>A number within a range.</summary>
    public static Setting Number(string key, double least, double most, Func<ConfigDraft, double?> get, Action<ConfigDraft, double> put, bool isWhole = true) => new(
        key,
        ConfigKind.Number,
        (draft, text) =>
        {
            var isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value);
            if (!isNumber || !(value >= least && value <= most) || (isWhole && value != Math.Floor(value)))
            {
                return $"is {(isNumber ? text : $"'{text}'")}; {least:R} to {most:R} is allowed{(isWhole ? ", in whole numbers" : "")}.";
            }

            put(draft, value);
            return null;
        },
        draft => get(draft)?.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>A text that a rule holds for.</summary>
    /// <param name="key">Its place.</param>
    /// <param name="rule">What is allowed, as in "is 'x'; RULE".</param>
    /// <param name="isAllowed">Whether a text is.</param>
    /// <param name="get">The value.</param>
    /// <param name="put">Sets it.</param>
    public static Setting Text(string key, string rule, Func<string, bool> isAllowed, Func<ConfigDraft, string?> get, Action<ConfigDraft, string> put) => new(
        key,
        ConfigKind.Text,
        (draft, text) =>
        {
            if (!isAllowed(text)) return $"is '{text}'; {rule}.";
            put(draft, text);
            return null;
        },
        get);

    /// <summary>An absolute path.</summary>
    public static Setting Path(string key, Func<ConfigDraft, string?> get, Action<ConfigDraft, string> put) =>
        Text(key, "an absolute path without '..' is allowed", path => Engine.Images.RootfsSplit.Normalize(path) is not null, get, put);

    /// <summary>One of a few words.</summary>
    public static Setting Choice(string key, IReadOnlyList<string> words, Func<ConfigDraft, string?> get, Action<ConfigDraft, string> put) =>
        Text(key, $"there are: {string.Join(", ", words)}", words.Contains, get, put);

    /// <summary>True or false.</summary>
    public static Setting Switch(string key, Func<ConfigDraft, bool?> get, Action<ConfigDraft, bool> put) => new(
        key,
        ConfigKind.Boolean,
        (draft, text) =>
        {
            if (text is not ("true" or "false")) return $"is '{text}'; true or false is allowed.";
            put(draft, text == "true");
            return null;
        },
        draft => get(draft) switch { true => "true", false => "false", null => null });

    /// <summary>The same, and never shown.</summary>
    public Setting Secret() => new(Key, kind, set, show) { IsSecret = true };

    /// <summary>Sets it in a draft.</summary>
    /// <returns>What is wrong, a sentence with the key; nothing where it was set.</returns>
    public string? Set(ConfigDraft draft, ConfigKind written, string text)
    {
        if (written == ConfigKind.Null) return $"{Key} is null. Leave it out to have the default.";
        if (written != ConfigKind.Plain && written != kind) return $"{Key} is {NameOf(written)}, and must be {NameOf(kind)}.";
        var problem = set(draft, text);
        if (problem is null) return null;
        return IsSecret ? $"{Key} is not what it should be{problem[problem.IndexOf(';', StringComparison.Ordinal)..]}" : $"{Key} {problem}";
    }

    /// <summary>The value that a draft has, for people.</summary>
    public string? Show(ConfigDraft draft) => show(draft) is { } value ? (IsSecret ? "(secret)" : value) : null;

    /// <summary>What a value was written as, in words.</summary>
    public static string NameOf(ConfigKind kind) => kind switch
    {
        ConfigKind.Plain or ConfigKind.Text => "a text",
        ConfigKind.Number => "a number",
        ConfigKind.Boolean => "true or false",
        ConfigKind.Null => "null",
        ConfigKind.Object => "an object ({…})",
        ConfigKind.List => "a list ([…])",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind."),
    };
}
