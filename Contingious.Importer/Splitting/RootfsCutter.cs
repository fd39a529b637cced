using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Importer.Splitting;

/// <summary>What was cut out of a rootfs: absolute container paths, sorted; none is inside another.</summary>
/// <param name="Mounts">Every directory and file that moved to the read-only tree.</param>
/// <param name="Files">Those of them that are files.</param>
internal sealed record RootfsCut(IReadOnlyList<string> Mounts, IReadOnlyList<string> Files);

/// <summary>
/// Cuts a rootfs by the rules of a <see cref="RootfsSplit"/>. The rootfs itself becomes the editable tree. Each largest subtree that is read-only
/// moves to the read-only tree at the same path, and an empty directory of the same owner and mode stays as its mount point;
/// so does each file that a rule names read-only beside editable ones, with an empty file.
/// </summary>
/// <remarks>
/// The files that lie directly in a read-only directory with something editable below stay in the editable tree, but for large ones: to bind
/// each would take a mount, which costs more than to copy a small file. Symlinks always stay.
/// </remarks>
internal sealed class RootfsCutter(RootfsSplit split, DirectoryHandle editable, DirectoryHandle readOnly, ICollection<string> warnings)
{
    private const int MostWarnings = 20;

    /// <summary>Each is a mount of every container: 6 µs, and a place in its table of mounts.</summary>
    public const int MaxMounts = 512;

    private const int MaxPathBytes = 4000;

    /// <summary>What copying one more file costs, against bytes.</summary>
    private const long WeightOfFile = 16 << 10;

    /// <summary>From here on a file is bound and not copied: a mount of crun's takes the time of a few hundred KiB.</summary>
    private const long LargeFile = 1 << 20;

    private const uint OwnerOnly = 0x180; // 0600

    private readonly HashSet<string> said = new(StringComparer.Ordinal);

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly RootfsSurvey survey = RootfsSurvey.Of(editable, split);

    /// <summary>How many mounts there may be; what the rules ask for beyond stays editable, the smallest first.</summary>
    public int Most { get; init; } = MaxMounts;

    public RootfsCut Cut()
    {
        foreach (var path in split.Rules.Where(rule => rule.IsEditable).Select(rule => rule.Path).OfType<string>().Except(RootfsSplit.DefaultEditable))
        {
            if (!Exists(editable, path)) warnings.Add($"the editable path {path} is not in the image, or is there only through a symlink");
        }

        var pieces = Plan();
        foreach (var piece in pieces) Move(piece);
        return new RootfsCut(
            [.. pieces.Select(piece => piece.Path).Order(StringComparer.Ordinal)],
            [.. pieces.Where(piece => piece.IsFile).Select(piece => piece.Path).Order(StringComparer.Ordinal)]);
    }

    private List<Piece> Plan()
    {
        var pieces = new List<Piece>();
        var count = 0;
        Find(editable, "/", split.Root, (_, piece) =>
        {
            if (++count <= Most) pieces.Add(piece);
        });
        return count <= Most ? pieces : Largest(count);
    }

    /// <summary>The pieces that are worth the most; the others stay.</summary>
    private List<Piece> Largest(int count)
    {
        var kept = new PriorityQueue<(Piece Piece, TreeSize Size), long>();
        var left = (Bytes: 0L, Files: 0L, Example: "");
        Find(editable, "/", split.Root, (directory, piece) =>
        {
            var size = SizeOf(directory, piece);
            var weight = size.Bytes + (size.Files * WeightOfFile);
            if (kept.Count < Most)
            {
                kept.Enqueue((piece, size), weight);
                return;
            }

            var smallest = kept.EnqueueDequeue((piece, size), weight);
            left = (left.Bytes + smallest.Size.Bytes, left.Files + smallest.Size.Files, smallest.Piece.Path);
        });
        warnings.Add($"the rules cut {count} pieces out of the image, and a container has at most {Most} mounts of them: the {count - Most} smallest stay editable ({new ByteSize(left.Bytes)} in {left.Files} files, {left.Example} among them). Patterns that match fewer and larger directories mend that");
        return [.. kept.UnorderedItems.Select(item => item.Element.Piece)];
    }

    private void Find(DirectoryHandle directory, string path, SplitCursor here, Action<DirectoryHandle, Piece> found)
    {
        foreach (var name in directory.Entries())
        {
            if (directory.TryStatus(name) is not { Kind: FileKind.Directory or FileKind.Regular } status) continue;
            var isFile = status.Kind == FileKind.Regular;
            var at = here.Enter(name, !isFile);
            var isMixed = !isFile && survey.IsMixed(status);
            var isPiece = !isMixed && !at.IsEditable && (!isFile || ((at.IsNamed || status.Size >= LargeFile) && !survey.IsSandboxFile(status)));
            if ((!isMixed && !isPiece) || PathOf(path, name) is not { } child) continue;
            if (isPiece)
            {
                found(directory, new Piece(child, isFile));
                continue;
            }

            using var mixed = directory.OpenDirectory(name);
            Find(mixed, child, at, found);
        }
    }

    private void Move(Piece piece)
    {
        var path = Encoding.UTF8.GetBytes(piece.Path[1..]);
        var slash = path.AsSpan().LastIndexOf((byte)'/');
        var name = path[(slash + 1)..];
        using var from = editable.OpenDirectory(slash < 0 ? "."u8 : path.AsSpan(0, slash));
        var before = from.Status();
        var status = from.TryStatus(name) ?? throw new InvalidImageException($"{piece.Path} went away while the image was cut.");
        using (var to = OpenOrMakeReadOnly(piece.Path.Split('/', StringSplitOptions.RemoveEmptyEntries)[..^1])) from.Rename(name, to, name);
        if (piece.IsFile) from.CreateFile(name, OwnerOnly).Dispose();
        else from.CreateDirectory(name, status.Permissions);
        from.SetOwner(name, status.Uid, status.Gid);

        // chown(2) clears the set-id bits; none are left in a rootfs, but the sticky bit is.
        using (var mountPoint = from.OpenRead(name)) DirectoryHandle.SetMode(mountPoint, status.Permissions);
        from.SetTimes(name, status.ModifySeconds, status.ModifyNanoseconds);
        from.SetTimes(before.ModifySeconds, before.ModifyNanoseconds);
    }

    private DirectoryHandle OpenOrMakeReadOnly(IEnumerable<string> path)
    {
        var directory = readOnly.OpenDirectory("."u8);
        foreach (var name in path.Select(Encoding.UTF8.GetBytes))
        {
            using var above = directory;
            if (above.TryStatus(name) is null) above.CreateDirectory(name, 0x1ED /* 0755 */);
            directory = above.OpenDirectory(name);
        }

        return directory;
    }

    /// <summary>A mount's path is text (the runtime-spec is JSON), and the kernel takes no longer one: anything else stays editable.</summary>
    private string? PathOf(string parent, byte[] name)
    {
        try
        {
            var path = (parent == "/" ? "/" : parent + "/") + Strict.GetString(name);
            if (Encoding.UTF8.GetByteCount(path) <= MaxPathBytes) return path;
            Warn($"{path[..80]}… stays editable: its path is longer than {MaxPathBytes} bytes");
        }
        catch (DecoderFallbackException)
        {
            Warn($"{parent.TrimEnd('/')}/{NativePath.Display(name)} stays editable: its name is not UTF-8");
        }

        return null;
    }

    // Asked a second time where there are too many pieces; and an image can have a million of such names.
    private void Warn(string warning)
    {
        if (said.Count > MostWarnings || !said.Add(warning)) return;
        warnings.Add(said.Count <= MostWarnings ? warning : "more directories and files stay editable for such names");
    }

    private static TreeSize SizeOf(DirectoryHandle directory, Piece piece)
    {
        var name = Encoding.UTF8.GetBytes(piece.Path[(piece.Path.LastIndexOf('/') + 1)..]);
        if (piece.IsFile) return new TreeSize(directory.TryStatus(name)?.Size ?? 0, 1);
        using var tree = directory.OpenDirectory(name);
        return TreeSize.Of(tree);
    }

    private static bool Exists(DirectoryHandle root, string path)
    {
        if (path == "/") return true;
        var slash = path.LastIndexOf('/');
        try
        {
            using var parent = root.OpenDirectory(slash == 0 ? "." : path[1..slash]);
            return parent.TryStatus(Encoding.UTF8.GetBytes(path[(slash + 1)..])) is { Kind: not FileKind.Symlink };
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            return false;
        }
    }

    /// <summary>Something that moves to the read-only tree as one.</summary>
    private sealed record Piece(string Path, bool IsFile);
}
