using System.Globalization;
using System.Text;

namespace Contingious.Tests.Verdicts;

/// <summary>Bytes as a label writes them: <c>"text\n\x00"</c>.</summary>
internal static class QuotedBytes
{
    /// <exception cref="FormatException">It is not in quotes, or an escape is none of <c>\n \t \r \\ \" \xNN</c>.</exception>
    public static byte[] Parse(string text)
    {
        if (text.Length < 2 || text[0] != '"' || text[^1] != '"') throw new FormatException($"{text} is not in double quotes");
        var inner = text[1..^1];
        var bytes = new List<byte>();
        for (var i = 0; i < inner.Length; i++)
        {
            if (inner[i] == '"') throw new FormatException($"{text} has a quote in its middle that is not escaped");
            if (inner[i] != '\\')
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(inner, i, 1));
                continue;
            }

            i++;
            switch (i < inner.Length ? inner[i] : '\0')
            {
                case 'n': bytes.Add((byte)'\n'); break;
                case 't': bytes.Add((byte)'\t'); break;
                case 'r': bytes.Add((byte)'\r'); break;
                case '\\': bytes.Add((byte)'\\'); break;
                case '"': bytes.Add((byte)'"'); break;
                case 'x' when i + 2 < inner.Length && byte.TryParse(inner.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value):
                    bytes.Add(value);
                    i += 2;
                    break;
                default: throw new FormatException($"{text} has an escape that is none of \\n \\t \\r \\\\ \\\" \\xNN");
            }
        }

        return [.. bytes];
    }

    /// <summary>For a message: at most its first 200 bytes, so that a label could hold it.</summary>
    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (var value in bytes[..Math.Min(bytes.Length, 200)])
        {
            text.Append(value switch
            {
                (byte)'\n' => "\\n",
                (byte)'"' => "\\\"",
                (byte)'\\' => "\\\\",
                >= 0x20 and < 0x7F => ((char)value).ToString(),
                _ => $"\\x{value:x2}",
            });
        }

        return text.Append(bytes.Length > 200 ? $"\"… ({bytes.Length} bytes)" : "\"").ToString();
    }
}
