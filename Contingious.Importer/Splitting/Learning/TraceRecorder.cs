using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>
/// Sees what one run of a command writes to its rootfs: what lies where writes go (the clone, or the overlay's upper directory)
/// is looked at before and after. What the engine put there itself is the same both times.
/// </summary>
internal sealed class TraceRecorder(Image image) : IRootfsObserver
{
    /// <summary>Deeper down nothing is looked at: no command of a teacher goes there, and the stack is finite.</summary>
    private const int MaxDepth = 200;

    // Mounted over, or everybody's scratch.
    private static readonly HashSet<string> ignored = [.. RootfsSplit.MountTargets];

    private readonly Dictionary<string, FileStatus> before = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WriteKind> written = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileState?> changes = new(StringComparer.Ordinal);
    private RootfsView? view;
    private ILookup<string, string>? earlierIn;

    /// <summary>What the run did; nothing where it did not come to that.</summary>
    public RunTrace? Trace { get; private set; }

    public void BeforeStep(RootfsView rootfs)
    {
        view = rootfs;
        using var directory = DirectoryHandle.Open(rootfs.WrittenDirectory);
        Remember(directory, PathKey.Root, 0);
    }

    public void AfterSteps()
    {
        if (view is null) return;
        earlierIn = before.Keys.ToLookup(PathKey.Parent, StringComparer.Ordinal);
        using var whole = new WholeImage(image);
        using var merged = DirectoryHandle.Open(view.Directory);
        using var directory = DirectoryHandle.Open(view.WrittenDirectory);
        Look(whole, directory, merged, PathKey.Root, isNew: false, 0);
        Trace = new RunTrace(written, changes);
    }

    private void Remember(DirectoryHandle directory, string path, int depth)
    {
        foreach (var name in directory.Entries())
        {
            var child = PathKey.Join(path, name);
            if (ignored.Contains(child) || directory.TryStatus(name) is not { } status) continue;
            before[child] = status;
            if (status.Kind != FileKind.Directory || depth == MaxDepth) continue;
            using var below = directory.OpenDirectory(name);
            Remember(below, child, depth + 1);
        }
    }

    private void Look(WholeImage whole, DirectoryHandle directory, DirectoryHandle merged, string path, bool isNew, int depth)
    {
        foreach (var name in directory.Entries())
        {
            var child = PathKey.Join(path, name);

            // A character device is overlayfs's way to say that something is not there; no container can make another.
            if (ignored.Contains(child) || directory.TryStatus(name) is not { Kind: not FileKind.CharacterDevice } status) continue;
            if (status.Kind == FileKind.Directory) LookAtDirectory(whole, directory, merged, name, child, status, isNew, depth);
            else if (!before.TryGetValue(child, out var earlier) || !IsSame(earlier, status)) Add(whole, directory, name, child, status, isNew);
        }

        if (!isNew) LookForRemoved(whole, merged, path);
    }

    private void LookAtDirectory(WholeImage whole, DirectoryHandle directory, DirectoryHandle merged, byte[] name, string path, FileStatus status, bool isNew, int depth)
    {
        if (whole.IsMount(path) && view?.Directory == view?.WrittenDirectory) return;
        var state = FileState.Of(directory, name, view?.FirstId ?? 0);
        var wasThere = before.TryGetValue(path, out var earlier) && earlier.Kind == FileKind.Directory;
        var own = whole.TryState(path);
        var isOfImage = own?.Kind == FileKind.Directory;
        if (!wasThere && !isOfImage)
        {
            if (!isNew) written[path] = WriteKind.Created;
            changes[path] = state;
        }
        else if (wasThere ? (earlier.Permissions, earlier.Uid, earlier.Gid) != (status.Permissions, status.Uid, status.Gid) : state != own)
        {
            written[path] = WriteKind.Attributes;
            changes[path] = state;
        }

        if (depth == MaxDepth) return;
        using var below = directory.OpenDirectory(name);
        using var seen = merged.OpenDirectory(name);
        Look(whole, below, seen, path, !wasThere && !isOfImage, depth + 1);
    }

    private void Add(WholeImage whole, DirectoryHandle directory, byte[] name, string path, FileStatus status, bool isNew)
    {
        var own = whole.TryState(path);
        if (!isNew) written[path] = status.Kind == FileKind.Regular && own?.Kind == FileKind.Regular ? WriteKind.Modified : WriteKind.Created;
        var state = FileState.Of(directory, name, view?.FirstId ?? 0);
        if (state != own) changes[path] = state;
    }

    private void LookForRemoved(WholeImage whole, DirectoryHandle merged, string path)
    {
        using var own = whole.TryOpen(path);
        var known = (own?.Entries() ?? []).Select(name => PathKey.Join(path, name)).Concat(earlierIn?[path] ?? []).Distinct();
        foreach (var child in known)
        {
            if (ignored.Contains(child) || merged.TryStatus(PathKey.Bytes(child[(child.LastIndexOf('/') + 1)..])) is not null) continue;
            written[child] = WriteKind.Removed;
            changes[child] = null;
        }
    }

    private static bool IsSame(FileStatus left, FileStatus right) => left with { LinkCount = 0 } == right with { LinkCount = 0 };
}
