using System.Text;
using System.Text.Json;

namespace Contingious.Agent.Configuration;

/// <summary>Takes a JSON file apart into its values, each with its place. Comments and trailing commas are allowed.</summary>
internal static class ConfigFile
{
    /// <summary>Nothing that an operator writes is as large.</summary>
    public const int MostBytes = 1 << 20;

    private const int MostDepth = 16;

    private static readonly JsonReaderOptions lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = MostDepth };

    /// <summary>Every value in the order of the file, an object or a list ahead of what is in it. The first is the whole file's.</summary>
    /// <exception cref="ConfigFault">It is no JSON, or a name comes twice in one object.</exception>
    public static IReadOnlyList<ConfigEntry> TakeApart(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith(Encoding.UTF8.Preamble)) json = json[Encoding.UTF8.Preamble.Length..];
        if (json.Length > MostBytes) throw new ConfigFault(1, $"it has {json.Length:N0} bytes; at most {MostBytes:N0} are read.");
        var reader = new Utf8JsonReader(json, lenient);
        var entries = new List<ConfigEntry>();
        try
        {
            reader.Read();
            Take(ref reader, json, "", entries);
            // What is left may only be white space and comments.
            _ = reader.Read();
            return entries;
        }
        catch (JsonException error)
        {
            throw new ConfigFault((int)(error.LineNumber ?? 0) + 1, $"it is no JSON: {Sentence(error.Message)}");
        }
        catch (InvalidOperationException)
        {
            throw new ConfigFault(LineOf(reader, json), "a text is not valid UTF-8.");
        }
    }

    private static void Take(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, string key, List<ConfigEntry> entries)
    {
        var line = LineOf(reader, json);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                entries.Add(new ConfigEntry(key, ConfigKind.Object, "", line));
                TakeMembers(ref reader, json, key, entries);
                break;
            case JsonTokenType.StartArray:
                entries.Add(new ConfigEntry(key, ConfigKind.List, "", line));
                for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++) Take(ref reader, json, $"{key}[{i}]", entries);
                break;
            case JsonTokenType.String:
                entries.Add(new ConfigEntry(key, ConfigKind.Text, reader.GetString() ?? "", line));
                break;
            case JsonTokenType.Number:
                entries.Add(new ConfigEntry(key, ConfigKind.Number, Encoding.UTF8.GetString(reader.ValueSpan), line));
                break;
            case JsonTokenType.True or JsonTokenType.False:
                entries.Add(new ConfigEntry(key, ConfigKind.Boolean, reader.TokenType == JsonTokenType.True ? "true" : "false", line));
                break;
            default:
                entries.Add(new ConfigEntry(key, ConfigKind.Null, "", line));
                break;
        }
    }

    private static void TakeMembers(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, string key, List<ConfigEntry> entries)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var (name, line) = (reader.GetString() ?? "", LineOf(reader, json));
            var place = key.Length == 0 ? "the file" : key;
            if (!seen.Add(name)) throw new ConfigFault(line, $"{place} has '{name}' twice.");
            // Dots and brackets are how places are written: such a name would be taken for another's.
            if (name.AsSpan().ContainsAny('.', '[')) throw new ConfigFault(line, $"{place} has '{name}', which means nothing: objects are written with braces, not with dots.");
            reader.Read();
            Take(ref reader, json, key.Length == 0 ? name : $"{key}.{name}", entries);
        }
    }

    private static int LineOf(in Utf8JsonReader reader, ReadOnlySpan<byte> json) => json[..(int)Math.Min(reader.TokenStartIndex, json.Length)].Count((byte)'\n') + 1;

    // Its own account of the place is from 0, and ours stands there already.
    private static string Sentence(string message)
    {
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
