using System.Globalization;

namespace Contingious.Importer.Layers;

/// <summary>What an import left out or changed on purpose, counted, with the first few names.</summary>
internal sealed class UnpackReport
{
    private const int Named = 3;

    private readonly SortedDictionary<string, (long Count, List<string> Names)> dropped = new(StringComparer.Ordinal);

    /// <summary>Tells of one more of a kind, or of several that have one name.</summary>
    public void Add(string what, string name, long times = 1)
    {
        var (count, names) = dropped.GetValueOrDefault(what, (0L, []));
        if (names.Count < Named) names.Add(name);
        dropped[what] = (count + times, names);
    }

    /// <summary>How often something of that kind was met.</summary>
    public int Count(string what) => (int)Math.Min(dropped.GetValueOrDefault(what, (0L, [])).Count, int.MaxValue);

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
    public const string Sticky = "files with the sticky bit dropped";
    public const string DirectorySetId = "directories with the set-uid or set-gid bit dropped";
    public const string Xattrs = "extended attributes dropped that are neither user.* nor security.capability";
    public const string OverlayXattrs = "extended attributes of overlayfs dropped";
    public const string RefusedXattrs = "extended attributes that the kernel or the file system did not take";
    public const string GlobalHeaders = "global pax headers read over";
    public const string VolumeLabels = "volume labels skipped";
    public const string AccessLists = "access control lists or file flags dropped";
    public const string BehindEnd = "bytes that are not zero behind the end of an archive";
    public const string Metadata = "files of a layer's own bookkeeping skipped";
}
