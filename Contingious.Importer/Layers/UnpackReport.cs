using System.Globalization;

namespace Contingious.Importer.Layers;

/// <summary>What an import left out or changed on purpose, counted, with the first few names.</summary>
internal sealed class UnpackReport
{
    private const int Named = 3;

    private readonly SortedDictionary<string, (int Count, List<string> Names)> dropped = new(StringComparer.Ordinal);

    public void Add(string what, string name)
    {
        var (count, names) = dropped.GetValueOrDefault(what, (0, []));
        if (names.Count < Named) names.Add(name);
        dropped[what] = (count + 1, names);
    }

    /// <summary>How often something of that kind was met.</summary>
    public int Count(string what) => dropped.GetValueOrDefault(what, (0, [])).Count;

    /// <summary>A sentence a kind: <c>2 devices skipped: dev/null, dev/zero</c>.</summary>
    public IEnumerable<string> Lines => dropped.Select(entry => string.Create(
        CultureInfo.InvariantCulture,
        $"{entry.Value.Count} {entry.Key}: {string.Join(", ", entry.Value.Names)}{(entry.Value.Count > Named ? ", …" : "")}"));
}

/// <summary>The kinds of <see cref="UnpackReport"/>.</summary>
internal static class Dropped
{
    public const string Devices = "devices, FIFOs or sockets skipped";
    public const string SetUserId = "files with the set-uid or set-gid bit dropped";
    public const string Xattrs = "files with extended attributes dropped";
    public const string Metadata = "files of a layer's own bookkeeping skipped";
}
