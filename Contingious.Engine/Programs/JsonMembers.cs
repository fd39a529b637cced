using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Contingious.Engine.Programs;

/// <summary>
/// The members of a JSON object, each value as it stands: enough for a number, or for handing it on. For what a command reads on its way to a program:
/// the documents and writers of the library must be compiled by the runtime first, which takes longer than the program's start.
/// </summary>
internal static class JsonMembers
{
    /// <summary>By name, in the text's order.</summary>
    /// <exception cref="JsonException">The text is no JSON object, or not one alone.</exception>
    public static Dictionary<string, string> Of(byte[] text)
    {
        try
        {
            return Read(text);
        }
        catch (InvalidOperationException error)
        {
            throw new JsonException("A member's name is no text.", error);
        }
    }

    private static Dictionary<string, string> Read(byte[] text)
    {
        var reader = new Utf8JsonReader(text);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("Not a JSON object.");
        var members = new Dictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString() ?? "";
            reader.Read();
            var begin = (int)reader.TokenStartIndex;
            reader.Skip();
            members[name] = Encoding.UTF8.GetString(text, begin, (int)reader.BytesConsumed - begin);
        }

        if (reader.Read()) throw new JsonException("Something follows the JSON object.");
        return members;
    }

    /// <exception cref="JsonException">There is no such member, or it is no number.</exception>
    public static int Int32(Dictionary<string, string> members, string name) =>
        members.TryGetValue(name, out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new JsonException($"{name} is no number.");

    /// <exception cref="JsonException">There is no such member, or it is no number.</exception>
    public static ulong UInt64(Dictionary<string, string> members, string name) =>
        members.TryGetValue(name, out var value) && ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new JsonException($"{name} is no number.");

    /// <summary>A string as JSON has it (RFC 8259, section 7).</summary>
    public static string Quoted(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var letter in text)
        {
            if (letter is '"' or '\\') quoted.Append('\\').Append(letter);
            else if (letter < ' ') quoted.Append("\\u").Append(((int)letter).ToString("x4", CultureInfo.InvariantCulture));
            else quoted.Append(letter);
        }

        return quoted.Append('"').ToString();
    }
}
