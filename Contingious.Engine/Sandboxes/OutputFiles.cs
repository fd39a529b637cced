using System.IO.Enumeration;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// Collects files that a job asks back, after everything in the sandbox is dead. Regular files only, read through
/// descriptors: a link, FIFO, socket or device is reported and never opened for its content. What a submission left
/// there costs a bounded time and a bounded memory.
/// </summary>
/// <param name="workingDirectory">What relative globs are relative to.</param>
/// <param name="limits">How much is returned.</param>
/// <param name="places">What else the container saw, by its path there: a directory of the job's disk that was bound over its rootfs.</param>
internal sealed class OutputFiles(string workingDirectory, OutputLimits limits, IReadOnlyDictionary<string, string> places)
{
    // Names that are looked at: half a second, and at most 28 MB where each has 255 bytes.
    private const int MaxVisited = 100_000;

    // A path has no limit of its own (a deep tree is made by chdir), and the result's message has one.
    private const int MaxPathBytes = 1 << 20;

    private readonly List<OutputFile> found = [];
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private readonly List<byte[]> way = [];
    private long total;
    private long inline;
    private int visited;
    private int pathBytes;
    private int matches;
    private bool isFull;

    /// <summary>Files of the rootfs over which others are bound: what is in them is not what the container saw, and as with all that is read-only, nothing of it is the job's.</summary>
    public IReadOnlySet<string> MountPoints { get; init; } = new HashSet<string>();

    /// <summary>Where files go that do not fit into the result.</summary>
    public IBlobStore? Blobs { get; init; }

    /// <summary>What the contents in the result may take together.</summary>
    public long InlineBytes { get; init; } = OutputLimits.Default.TotalBytes.Bytes;

    /// <summary>Whether a cap was reached: something was left out, shortened, or is without its content.</summary>
    public bool Truncated { get; private set; }

    /// <param name="root">The root of the clone.</param>
    /// <param name="globs"><c>*</c> and <c>?</c> within a name, <c>**</c> for any number of directories.</param>
    public IReadOnlyList<OutputFile> Collect(DirectoryHandle root, IReadOnlyList<string> globs)
    {
        foreach (var glob in globs)
        {
            matches = 0;
            var absolute = glob.StartsWith('/') ? glob : $"{workingDirectory}/{glob}";
            var whole = Match(root, Components(absolute));
            if (matches == 0 && whole) AddMissing(glob);
        }

        return found;
    }

    /// <returns>Whether all of it was looked at.</returns>
    private bool Match(DirectoryHandle directory, ReadOnlySpan<string> pattern)
    {
        if (pattern.IsEmpty) return true;
        if (way.Count > limits.Depth) return Stop();
        var head = pattern[0];
        var rest = pattern[1..];
        var whole = head != "**" || Match(directory, rest);
        foreach (var name in Candidates(directory, head, ref whole))
        {
            if (isFull) return false;
            if (directory.TryStatus(name) is not { } status) continue;
            way.Add(name);
            if (rest.IsEmpty && (head != "**" || status.Kind != FileKind.Directory)) whole &= Add(directory, name, status);
            if (status.Kind == FileKind.Directory && (!rest.IsEmpty || head == "**"))
            {
                using var child = TryOpen(directory, name);
                if (child is not null) whole &= Match(child, head == "**" ? pattern : rest);
            }

            way.RemoveAt(way.Count - 1);
        }

        return whole;
    }

    private IEnumerable<byte[]> Candidates(DirectoryHandle directory, string pattern, ref bool whole)
    {
        if (pattern == "..") return [];
        var left = MaxVisited - visited;
        if (left <= 0)
        {
            whole = Stop();
            return [];
        }

        visited++;
        if (pattern != "**" && !pattern.AsSpan().ContainsAny('*', '?')) return [NativeText.Bytes(pattern)];
        var names = directory.Entries(left + 1);
        if (names.Count > left)
        {
            names.RemoveAt(left);
            whole = Stop();
        }

        visited += names.Count;
        names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        return pattern == "**" ? names : names.Where(name => FileSystemName.MatchesSimpleExpression(pattern, NativeText.Of(name), ignoreCase: false));
    }

    /// <returns>Whether it was added: not where there are as many files already as there may be.</returns>
    private bool Add(DirectoryHandle directory, byte[] name, FileStatus status)
    {
        var raw = RawPath();
        if (MountPoints.Count > 0 && MountPoints.Contains(NativeText.Of(raw))) return true;
        var path = NativePath.Display(raw);
        matches++;
        if (seen.Contains(path)) return true;
        isFull = found.Count >= limits.Files || pathBytes + raw.Length + path.Length > MaxPathBytes;
        if (isFull) return Stop();
        pathBytes += raw.Length + path.Length;
        seen.Add(path);
        found.Add(Named(Read(directory, name, path, status), raw));
        return true;
    }

    private OutputFile Read(DirectoryHandle directory, byte[] name, string path, FileStatus status)
    {
        if (status.Kind != FileKind.Regular) return new OutputFile(path, OutputStatus.NotRegular, 0, default);
        using var file = directory.OpenRead(name);
        var opened = DirectoryHandle.StatusOf(file);
        if (opened.Kind != FileKind.Regular) return new OutputFile(path, OutputStatus.NotRegular, 0, default);

        // The size that was seen is what is read at most, whatever becomes of the file meanwhile.
        var mostOfOne = Math.Min(limits.FileBytes.Bytes, Blobs?.MostBytesOfOne ?? InlineBytes);
        var wanted = Math.Min(opened.Size, Math.Max(mostOfOne, Math.Min(limits.FileBytes.Bytes, InlineBytes)));
        if (wanted < opened.Size) Stop();
        if (total + wanted > limits.TotalBytes.Bytes) return TooLarge(path, opened.Size);
        if (inline + wanted <= InlineBytes) return ReadInline(file, path, opened.Size, (int)wanted);
        return Blobs is { } store ? Store(store, file, path, opened.Size, wanted) : TooLarge(path, opened.Size);
    }

    private OutputFile ReadInline(SafeFileHandle file, string path, long size, int wanted)
    {
        var content = new byte[wanted];
        var length = 0;
        int read;
        while (length < content.Length && (read = RandomAccess.Read(file, content.AsSpan(length), length)) > 0) length += read;
        total += length;
        inline += length;
        return OutputFile.Returned(path, size, content.AsMemory(0, length));
    }

    private OutputFile Store(IBlobStore store, SafeFileHandle file, string path, long size, long wanted)
    {
        // The size is bounded by `wanted`; FileShare and locks are not asked for, as they would be by opening it anew.
        using var content = new FileStream(file, FileAccess.Read, bufferSize: 0);
        if (store.Put(content, wanted) is not { } blob) return TooLarge(path, size);
        total += blob.Bytes;
        if (blob.Bytes < size) Stop();
        return OutputFile.StoredAs(path, size, blob.Digest, blob.Bytes);
    }

    private OutputFile TooLarge(string path, long size)
    {
        Stop();
        return new OutputFile(path, OutputStatus.TooLarge, size, default);
    }

    private void AddMissing(string glob)
    {
        var raw = NativeText.Bytes(glob);
        found.Add(Named(new OutputFile(NativePath.Display(raw), OutputStatus.Missing, 0, default), raw));
    }

    private static OutputFile Named(OutputFile file, byte[] raw) =>
        Encoding.UTF8.GetBytes(file.Path).AsSpan().SequenceEqual(raw) ? file : file with { RawPath = raw };

    private byte[] RawPath()
    {
        var path = new List<byte>();
        foreach (var component in way)
        {
            path.Add((byte)'/');
            path.AddRange(component);
        }

        return [.. path];
    }

    private bool Stop()
    {
        Truncated = true;
        return false;
    }

    // Several ** in a row mean one, and would cost as many walks.
    private static string[] Components(string path)
    {
        var components = new List<string>();
        foreach (var component in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (component == "." || (component == "**" && components.Count > 0 && components[^1] == "**")) continue;
            components.Add(component);
        }

        return [.. components];
    }

    private DirectoryHandle? TryOpen(DirectoryHandle directory, byte[] name)
    {
        if (places.TryGetValue(NativeText.Of(RawPath()), out var place)) return DirectoryHandle.Open(place);
        try
        {
            return directory.OpenDirectory(name, Resolve.Beneath | Resolve.NoSymlinks | Resolve.NoCrossDevice);
        }
        catch (LinuxException)
        {
            return null;
        }
    }
}
