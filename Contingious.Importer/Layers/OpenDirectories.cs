using System.Diagnostics.CodeAnalysis;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// The directories that a layer was last at work in, open, so that most entries need no walk. By path, and by inode, since a symlink gives
/// one directory many paths and its time is one.
/// </summary>
/// <remarks>What a path means changes only where a directory or a symlink is removed: then everything is let go.</remarks>
internal sealed class OpenDirectories(DirectoryHandle root) : IDisposable
{
    private const int Capacity = 32;

    private readonly Dictionary<byte[], HeldDirectory> byPath = new(PathComparer.Instance);
    private readonly Dictionary<ulong, HeldDirectory> byInode = [];
    private long turn;

    /// <summary>The directory of a path, through the rootfs's own symlinks; good until two more have been asked for.</summary>
    /// <returns>Nothing where it cannot be opened, and why.</returns>
    public HeldDirectory? TryHold(EntryPath path, out Errno errno)
    {
        errno = Errno.None;
        if (byPath.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(path.Bytes, out var known))
        {
            known.LastUse = ++turn;
            return known;
        }

        return root.TryOpenDirectory(path.IsRoot ? "."u8 : path.Bytes, Resolve.InRoot, out errno) is { } handle ? Hold(path, handle) : null;
    }

    /// <summary>Takes a directory that was just opened, and closes it in its time.</summary>
    public HeldDirectory Hold(EntryPath path, DirectoryHandle handle)
    {
        var status = handle.Status();
        if (byInode.TryGetValue(status.Inode, out var held))
        {
            handle.Dispose();
        }
        else
        {
            if (byInode.Count == Capacity) LetGoOfOldest();
            held = new HeldDirectory(handle, status);
            byInode.Add(status.Inode, held);
        }

        // Only so many names of one directory are worth keeping.
        if (byPath.Count >= Capacity * 4) byPath.Clear();
        byPath[path.Bytes.ToArray()] = held;
        held.LastUse = ++turn;
        return held;
    }

    /// <summary>Forgets what every path means and closes the directories.</summary>
    /// <param name="except">Stays open, because somebody is at work in it.</param>
    public void LetGo(HeldDirectory? except = null)
    {
        byPath.Clear();
        foreach (var held in byInode.Values)
        {
            if (held != except) held.LetGo();
        }

        byInode.Clear();
        if (except is not null) byInode.Add(except.Inode, except);
    }

    /// <summary>Closes them as they are.</summary>
    public void Dispose()
    {
        foreach (var held in byInode.Values) held.Handle.Dispose();
        byInode.Clear();
        byPath.Clear();
    }

    private void LetGoOfOldest()
    {
        HeldDirectory? oldest = null;
        foreach (var held in byInode.Values)
        {
            if (oldest is null || held.LastUse < oldest.LastUse) oldest = held;
        }

        if (oldest is null) return;
        byInode.Remove(oldest.Inode);
        foreach (var (path, held) in byPath)
        {
            if (held == oldest) byPath.Remove(path);
        }

        oldest.LetGo();
    }

    private sealed class PathComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static PathComparer Instance { get; } = new();

        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] path) => GetHashCode(path.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
