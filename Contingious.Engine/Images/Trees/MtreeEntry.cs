using Contingious.Engine.Linux;

namespace Contingious.Engine.Images.Trees;

/// <summary>One line of a listing of trees (mtree(5)).</summary>
internal sealed record MtreeEntry
{
    /// <summary>Without <c>./</c> in front.</summary>
    public required byte[] Path { get; init; }

    public required FileKind Kind { get; init; }

    /// <summary>12 bits.</summary>
    public required uint Mode { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>A regular file's length in bytes.</summary>
    public long? Size { get; init; }

    /// <summary>When it was last changed, in seconds since the epoch.</summary>
    public required long Seconds { get; init; }

    public required uint Nanoseconds { get; init; }

    /// <summary>Where a symlink points.</summary>
    public byte[]? Link { get; init; }

    /// <summary>Of a regular file's content.</summary>
    public Digest? Content { get; init; }

    public static MtreeEntry Of(TreeEntry entry, Digest? content) => new()
    {
        Path = entry.Path,
        Kind = entry.Status.Kind,
        // A symlink's own mode means nothing, and file systems differ in it.
        Mode = entry.Status.Kind == FileKind.Symlink ? 0x1FFu : entry.Status.Permissions,
        Uid = entry.Status.Uid,
        Gid = entry.Status.Gid,
        Size = entry.Status.Kind == FileKind.Regular ? entry.Status.Size : null,
        Seconds = entry.Status.ModifySeconds,
        Nanoseconds = entry.Status.ModifyNanoseconds,
        Link = entry.Link,
        Content = content,
    };

    /// <summary>What is otherwise in another entry of the same path, in words; empty where nothing is.</summary>
    public IReadOnlyList<string> DifferencesIn(MtreeEntry found)
    {
        if (Kind != found.Kind) return [$"is a {found.Kind} instead of a {Kind}"];
        var differences = new List<string>();
        if (Mode != found.Mode) differences.Add($"mode {Octal(found.Mode)} instead of {Octal(Mode)}");
        if (Uid != found.Uid) differences.Add($"uid {found.Uid} instead of {Uid}");
        if (Gid != found.Gid) differences.Add($"gid {found.Gid} instead of {Gid}");
        if (Size != found.Size) differences.Add($"{found.Size} bytes instead of {Size}");
        else if (Content != found.Content) differences.Add("other content of the same length");
        if ((Seconds, Nanoseconds) != (found.Seconds, found.Nanoseconds)) differences.Add($"time {found.Seconds}.{found.Nanoseconds:d9} instead of {Seconds}.{Nanoseconds:d9}");
        if (!Link.AsSpan().SequenceEqual(found.Link)) differences.Add($"points to {NativePath.Display(found.Link)} instead of {NativePath.Display(Link)}");
        return differences;
    }

    private static string Octal(uint mode) => Convert.ToString(mode, 8).PadLeft(4, '0');
}
