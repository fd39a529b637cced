namespace Contingious.Agent.Wire;

/// <summary>The members of an enum by name alone: never by number, never several in one text.</summary>
internal static class Names<T>
    where T : struct, Enum
{
    private static readonly T[] Members = Enum.GetValues<T>();

    // Kept: ToString() of an enum boxes it.
    private static readonly string[] Texts = [.. Members.Select(member => member.ToString())];

    public static IReadOnlyList<T> All => Members;

    public static T? Find(string name)
    {
        for (var i = 0; i < Texts.Length; i++)
        {
            if (Texts[i] == name) return Members[i];
        }

        return null;
    }
}

/// <summary>The members of an enum as the wire's own words are written: <c>on_success</c> for <c>OnSuccess</c>.</summary>
internal static class WireNames<T>
    where T : struct, Enum
{
    private static readonly (string Text, T Value)[] Members = [.. Enum.GetValues<T>().Select(value => (Of(value), value))];

    public static IEnumerable<string> All => Members.Select(member => member.Text);

    public static T? Find(string text)
    {
        foreach (var (name, value) in Members)
        {
            if (name == text) return value;
        }

        return null;
    }

    public static string Of(T value) =>
        string.Concat(value.ToString().Select((letter, i) => char.IsAsciiLetterUpper(letter) ? $"{(i == 0 ? "" : "_")}{char.ToLowerInvariant(letter)}" : $"{letter}"));
}
