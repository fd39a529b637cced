using System.Buffers;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>
/// Copies a directory tree into an empty directory: owners shifted into a slice of the subordinate ids, modes and
/// times kept, holes and hard links too. Both sides are walked by descriptor, never by path.
/// </summary>
/// <remarks>
/// The work is directories, each listed by one thread, which copies the files itself and puts the directories in it on the pile. From
/// <see cref="Many"/> entries on there are helpers, and then parts of a long listing and large files are put there too. Of
/// a directory that is being copied two descriptors are open, of its files only those that some thread is at.
/// </remarks>
internal sealed partial class TreeCloner
{
    /// <summary>Entries before helpers are asked for: half as many are done before one has come and is warm.</summary>
    public const int Many = 512;

    /// <summary>Content that takes as long to copy as <see cref="Many"/> files.</summary>
    public const long Much = 16 << 20;

    /// <summary>Content that is worth a thread's while.</summary>
    public const long Large = Much / 4;

    /// <summary>More threads than this would take the CPUs from other jobs, and wait for the file system's locks anyway.</summary>
    private const int MostThreads = 4;

    /// <summary>One call lists some 200 entries, which are worth another thread's while.</summary>
    private const int ListingSize = 8 << 10;
    private const int BufferSize = 128 << 10;

    /// <summary>The pieces that wait before the thread that lists does the next itself.</summary>
    private const int Enough = 8;

    private readonly uint idShift;
    private readonly bool copiesXattrs;
    private readonly CancellationToken cancellation;
    private readonly CopyMethods methods;
    private readonly int threads;
    private readonly CloneLinks links = new();
    private readonly WorkPile<Piece> pile;
    private ulong targetDevice;
    private long seen;
    private bool hasHelpers;
    private bool isUsed;

    /// <param name="idShift">Added to every owner.</param>
    /// <param name="copiesXattrs">
    /// Whether attributes of <c>user.*</c> are looked for and copied, where the target has any (tmpfs has since Linux 6.6). No others are:
    /// <c>security.capability</c> does nothing where a container runs, and the copy's owner is another.
    /// </param>
    /// <param name="cancellation">Ends it early.</param>
    /// <param name="methods">What is known of the file systems; who clones more than once can keep it.</param>
    /// <param name="threads">As many as a large tree is copied by; nothing is as many as there are CPUs, within reason.</param>
    public TreeCloner(uint idShift, bool copiesXattrs, CancellationToken cancellation, CopyMethods? methods = null, int? threads = null)
    {
        (this.idShift, this.copiesXattrs, this.cancellation) = (idShift, copiesXattrs, cancellation);
        this.methods = methods ?? new CopyMethods();
        this.threads = threads ?? Math.Min(Environment.ProcessorCount, MostThreads);
        pile = new WorkPile<Piece>(Work, LetGo);
    }

    /// <summary>Copies the content of one directory into another, empty one, and its attributes except the times.</summary>
    /// <exception cref="LinuxException">The first call that failed, as with ENOSPC; some of the tree may be there.</exception>
    public void Clone(DirectoryHandle from, DirectoryHandle to)
    {
        if (isUsed) throw new InvalidOperationException("A cloner copies one tree.");
        isUsed = true;
        targetDevice = to.Status().Device;
        pile.Push(new Piece(new ClonePlace(from, to), null, 0));
        pile.Run();
        foreach (var (first, place, name) in links.PutOff)
        {
            cancellation.ThrowIfCancellationRequested();
            LinkLate(first, place, name);
        }
    }

    /// <summary>Copies one regular file into another directory, where nothing has its name.</summary>
    public void CloneFile(DirectoryHandle from, DirectoryHandle to, byte[] name)
    {
        targetDevice = to.Status().Device;
        var root = new ClonePlace(from, to);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var terminated = NativePath.Terminated(name);
            using var source = root.Source.OpenFile(terminated, out var errno);
            if (errno == Errno.ENOENT) throw new FileNotFoundException($"{from.Path}/{NativePath.Display(name)} is not there.");
            Check(errno, "openat", root, terminated, isSource: true);
            Check(source.Status(out var status), "statx", root, terminated, isSource: true);
            if (status.Kind != FileKind.Regular) throw new IOException($"{from.Path}/{NativePath.Display(name)} is no regular file.");
            CopyFile(root, source, terminated, status, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            root.Close();
        }
    }

    private void Work(Piece piece)
    {
        cancellation.ThrowIfCancellationRequested();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            if (piece.Listed is not null)
            {
                CloneEntries(piece.Place, piece.Listed.AsSpan(0, piece.Length), buffer, isAlone: true);
                return;
            }

            Open(piece.Place);
            CloneDirectory(piece.Place, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void CloneDirectory(ClonePlace place, byte[] buffer)
    {
        var listed = ArrayPool<byte>.Shared.Rent(ListingSize);
        try
        {
            while (true)
            {
                var length = place.Source.ReadEntries(listed.AsSpan(0, ListingSize), out var errno);
                Check(errno, "getdents64", place, [], isSource: true);
                if (length == 0 || pile.IsFailed) return;
                if (hasHelpers && length > ListingSize / 2 && pile.Count < Enough)
                {
                    PutAside(place, listed, length);
                    listed = ArrayPool<byte>.Shared.Rent(ListingSize);
                }
                else
                {
                    CloneEntries(place, listed.AsSpan(0, length), buffer, isAlone: false);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(listed);
        }
    }

    private void PutAside(ClonePlace place, byte[] listed, int length)
    {
        place.Keep();
        pile.Push(new Piece(place, listed, length));
    }

    private void CloneEntries(ClonePlace place, ReadOnlySpan<byte> listed, byte[] buffer, bool isAlone)
    {
        var entries = new DirectoryEntries(listed);
        while (entries.MoveNext() && !pile.IsFailed)
        {
            cancellation.ThrowIfCancellationRequested();
            CountUp(1);
            var kind = entries.Kind;
            if (kind == FileKind.Unknown)
            {
                var errno = place.Source.Status(entries.Name, out var status);
                if (errno == Errno.ENOENT) continue;
                Check(errno, "statx", place, entries.Name, isSource: true);
                kind = status.Kind;
            }

            switch (kind)
            {
                case FileKind.Directory:
                    pile.Push(new Piece(new ClonePlace(place, entries.Name.ToArray()), null, 0));
                    break;
                case FileKind.Regular:
                    CloneRegular(place, entries, buffer, isAlone && entries.Current.Length == listed.Length);
                    break;
                case FileKind.Symlink:
                    CloneSymlink(place, entries.Name, buffer);
                    break;
                case FileKind.Unknown or FileKind.Fifo or FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Socket:
                    // The importer leaves none of these behind.
                    break;
                default:
                    throw new InvalidOperationException($"{kind} is no kind of file.");
            }
        }
    }

    /// <summary>Asks for helpers when the tree has proved to be large. Before that there is but one thread to count.</summary>
    private void CountUp(long entries)
    {
        if (hasHelpers || threads == 1 || (seen += entries) < Many) return;
        hasHelpers = true;
        pile.Hire(threads - 1);
    }

    private void LetGo(Piece piece)
    {
        if (piece.Listed is not null) ArrayPool<byte>.Shared.Return(piece.Listed);
        for (var place = piece.Place; place is not null && place.LetGo(); place = place.Above)
        {
            try
            {
                if (!pile.IsFailed) CloneAttributes(place);
            }
            catch (IOException error)
            {
                // Those above are to be closed all the same.
                pile.Fail(error);
            }
            finally
            {
                place.Close();
            }
        }
    }

    /// <summary>Some work: a directory that is not open yet, or entries of one that is.</summary>
    private readonly record struct Piece(ClonePlace Place, byte[]? Listed, int Length);
}
