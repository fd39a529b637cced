using System.Buffers;
using System.Text;

namespace Contingious.Engine.Images;

/// <summary>
/// A pattern of a <see cref="SplitRule"/>, followed component by component while a tree is walked. The places in the
/// pattern where the walk can be are the bits of one number.
/// </summary>
internal sealed class SplitPattern
{
    /// <summary>One bit each, and one behind the last.</summary>
    public const int MaxComponents = 60;

    private const int MaxLength = 4095;
    private const string AnyDepth = "**";

    /// <summary>What a byte that is no part of UTF-8 text counts as: above all characters, so that only a wildcard meets it.</summary>
    private const int StrayByte = 0x11_0000;

    // Nothing stands for any number of components.
    private readonly SplitGlob?[] components;

    private SplitPattern(SplitGlob?[] components, bool directoriesOnly, string text)
    {
        this.components = components;
        DirectoriesOnly = directoriesOnly;
        Text = text;
    }

    public string Text { get; }

    public bool DirectoriesOnly { get; }

    public int Depth => components.Length;

    /// <summary>The one path that it matches; nothing where it is a glob.</summary>
    public string? Path => components.All(component => component?.Literal is not null) ? $"/{string.Join('/', components.Select(component => component?.Literal))}" : null;

    /// <summary>Where a walk is at the root.</summary>
    public ulong Start => Closed(1);

    /// <exception cref="RejectedRequestException">It is not absolute, walks through <c>..</c>, is too long, or its brackets do not close.</exception>
    public static SplitPattern Parse(string field, string text)
    {
        if (!text.StartsWith('/') || text.Contains('\0', StringComparison.Ordinal)) throw new RejectedRequestException(field, $"'{text}' is not an absolute path without '..'.");
        var parts = new List<string>();
        foreach (var part in text.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..") throw new RejectedRequestException(field, $"'{text}' is not an absolute path without '..'.");
            if (part == "." || (part == AnyDepth && parts.Count > 0 && parts[^1] == AnyDepth)) continue;
            parts.Add(part);
        }

        if (parts.Count >= MaxComponents || text.Length > MaxLength) throw new RejectedRequestException(field, $"'{text[..Math.Min(text.Length, 80)]}' is too long: a pattern has at most {MaxComponents - 1} components and {MaxLength} characters.");
        var globs = parts.Select(part => part == AnyDepth ? null : SplitGlob.Parse(part) ?? throw new RejectedRequestException(field, $"'{text}' is not a pattern: in '{part}' a bracket does not close, or nothing follows the backslash.")).ToList();

        // Behind a directory, ** means what is in it and not the directory itself.
        if (globs.Count > 0 && globs[^1] is null) globs.Add(SplitGlob.Anything);
        var directoriesOnly = parts.Count > 0 && text.EndsWith('/');
        return new SplitPattern([.. globs], directoriesOnly, $"/{string.Join('/', parts)}{(directoriesOnly ? "/" : "")}");
    }

    /// <summary>The pattern that means one path.</summary>
    public static string Escape(string path)
    {
        var text = new StringBuilder(path.Length);
        foreach (var character in path)
        {
            if (character is '*' or '?' or '[' or '\\') text.Append('\\');
            text.Append(character);
        }

        return text.ToString();
    }

    /// <summary>A name as globs see it: its characters, and above all of them each byte that is none.</summary>
    public static int[] Characters(ReadOnlySpan<byte> name)
    {
        var characters = new List<int>(name.Length);
        while (!name.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(name, out var rune, out var length) == OperationStatus.Done;
            if (isText) characters.Add(rune.Value);
            else foreach (var stray in name[..length]) characters.Add(StrayByte + stray);
            name = name[length..];
        }

        return [.. characters];
    }

    /// <summary>Where the walk is after one more name; 0 where the pattern has nothing to say any more.</summary>
    public ulong Step(ulong places, ReadOnlySpan<int> name)
    {
        ulong next = 0;
        for (var i = 0; i < components.Length; i++)
        {
            if ((places & (1UL << i)) == 0) continue;
            if (components[i] is not { } glob) next |= 1UL << i;
            else if (glob.Matches(name)) next |= 1UL << (i + 1);
        }

        return Closed(next);
    }

    public bool IsMatch(ulong places) => (places & (1UL << components.Length)) != 0;

    private ulong Closed(ulong places)
    {
        // Any number of components may be none.
        for (var i = 0; i < components.Length; i++)
        {
            if (components[i] is null && (places & (1UL << i)) != 0) places |= 1UL << (i + 1);
        }

        return places;
    }
}
