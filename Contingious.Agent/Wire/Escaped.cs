using System.Globalization;
using System.Text;

namespace Contingious.Agent.Wire;

/// <summary>Text from a message, made fit to be quoted in a sentence: one line, bounded, nothing that a terminal obeys.</summary>
internal static class Escaped
{
    private const int MaxCharacters = 128;

    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var rune in text.EnumerateRunes())
        {
            if (quoted.Length > MaxCharacters) return quoted.Append("'…").ToString();
            if (IsPlain(rune)) quoted.Append(rune.ToString());
            else quoted.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }

        return quoted.Append('\'').ToString();
    }

    private static bool IsPlain(Rune rune) => rune.Value is not ('\'' or '\\') && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
