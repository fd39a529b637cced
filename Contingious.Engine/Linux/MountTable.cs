using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>One mount of this process's mount namespace.</summary>
/// <param name="Target">Where it is.</param>
/// <param name="Line">All that proc_pid_mountinfo(5) says of it, where a blank within a path is <c>\040</c>.</param>
public sealed record MountEntry(string Target, string Line)
{
    /// <summary>Whether its root, its place or its options name something: so an overlay says what it lies over.</summary>
    public bool Mentions(string text) => Line.Contains(text, StringComparison.Ordinal);
}

/// <summary>What is mounted in this process's mount namespace (proc_pid_mountinfo(5)).</summary>
public static class MountTable
{
    private const int TargetField = 4;

    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadLines("/proc/self/mountinfo"));

    public static IReadOnlyList<MountEntry> Parse(IEnumerable<string> lines) =>
        [.. lines.Select(line => (Line: line, Fields: line.Split(' '))).Where(entry => entry.Fields.Length > TargetField).Select(entry => new MountEntry(Unescape(entry.Fields[TargetField]), entry.Line))];

    /// <summary>Blank, tab, newline and backslash are written as three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal)) return field;
        var bytes = new List<byte>();
        var raw = Encoding.UTF8.GetBytes(field);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\' && i + 3 < raw.Length)
            {
                bytes.Add((byte)(((raw[i + 1] - '0') << 6) | ((raw[i + 2] - '0') << 3) | (raw[i + 3] - '0')));
                i += 3;
            }
            else
            {
                bytes.Add(raw[i]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
