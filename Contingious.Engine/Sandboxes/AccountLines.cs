using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>The lines of a passwd(5) or group(5) file: an image's own, as they are, and more below them.</summary>
internal sealed class AccountLines
{
    private readonly StringBuilder text = new();
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly HashSet<uint> ids = [];

    public AccountLines(ReadOnlySpan<byte> image)
    {
        // Latin-1 keeps every byte as it is.
        text.Append(Encoding.Latin1.GetString(image));
        foreach (var line in text.ToString().Split('\n')) Note(line);
        if (text.Length > 0 && text[^1] != '\n') text.Append('\n');
    }

    public bool Has(uint id) => ids.Contains(id);

    /// <summary>The first of the names that no line has yet.</summary>
    public string Free(params ReadOnlySpan<string> candidates)
    {
        foreach (var name in candidates)
        {
            if (!names.Contains(name)) return name;
        }

        var last = candidates[^1];
        for (var n = 2; ; n++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{last}-{n}");
            if (!names.Contains(name)) return name;
        }
    }

    /// <summary>Adds a line of these fields, the second of them the id. What would end a field or the line becomes <c>_</c>.</summary>
    public void Add(string name, uint id, params IEnumerable<string> fields)
    {
        var line = string.Join(':', [name, "x", id.ToString(CultureInfo.InvariantCulture), .. fields.Select(Field)]);
        Note(line);
        text.Append(line).Append('\n');
    }

    public byte[] ToBytes() => Encoding.Latin1.GetBytes(text.ToString());

    private void Note(string line)
    {
        var fields = line.Split(':');
        if (fields.Length < 3) return;
        names.Add(fields[0]);
        if (uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id)) ids.Add(id);
    }

    private static string Field(string text) =>
        Encoding.Latin1.GetString(NativeText.Bytes(string.Concat(text.Select(character => character == ':' || char.IsControl(character) ? '_' : character))));
}
