using System.Text;

namespace Contingious.Agent.Wire;

/// <summary>The keys that a map may have, at most 64; any other key is ignored, or refused where the map is closed.</summary>
internal sealed class MapKeys
{
    private readonly string[] names;
    private readonly byte[][] utf8;
    private readonly int required;

    public MapKeys(string[] required, string[] optional)
    {
        names = [.. required, .. optional];
        utf8 = [.. names.Select(Encoding.UTF8.GetBytes)];
        this.required = required.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(names.Length, 64, nameof(optional));
    }

    /// <summary>Whether a map that has another key is refused.</summary>
    public bool IsClosed { get; init; }

    public int Count => names.Length;

    public string this[int index] => names[index];

    /// <returns>-1 where the key is unknown.</returns>
    public int IndexOf(ReadOnlySpan<byte> key)
    {
        for (var i = 0; i < utf8.Length; i++)
        {
            if (key.SequenceEqual(utf8[i])) return i;
        }

        return -1;
    }

    public int IndexOf(string name) => Array.IndexOf(names, name);

    /// <summary>The first required key whose bit is not set in <paramref name="present"/>.</summary>
    public string? FirstMissing(ulong present)
    {
        for (var i = 0; i < required; i++)
        {
            if ((present & (1UL << i)) == 0) return names[i];
        }

        return null;
    }
}
