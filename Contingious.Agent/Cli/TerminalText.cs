using System.Globalization;
using System.Text;

namespace Contingious.Agent.Cli;

/// <summary>What is said on a terminal: names of files, labels and messages come out of images, and a terminal obeys some characters.</summary>
internal static class TerminalText
{
    /// <summary>The same lines, with every character escaped that is not to be seen: <c>\u{1b}</c>.</summary>
    public static string Of(string text)
    {
        if (text.EnumerateRunes().All(IsPlain)) return text;
        var safe = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsPlain(rune)) safe.Append(rune.ToString());
            else safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }

        return safe.ToString();
    }

    private static bool IsPlain(Rune rune) => rune.Value == '\n' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
