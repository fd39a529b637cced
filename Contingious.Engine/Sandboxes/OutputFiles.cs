using System.IO.Enumeration;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// Collects files that a job asks back, after everything in the sandbox is dead. Regular files only, read through
/// descriptors: a link, FIFO, socket or device is reported and never opened for its content.
/// </summary>
internal sealed class OutputFiles(RootfsClone clone, string workingDirectory)
{
    public static ByteSize MaxFile { get; } = ByteSize.FromMiB(10);

    public static ByteSize MaxTotal { get; } = ByteSize.FromMiB(12);

    private const int MaxFiles = 1_000;
    private const int MaxVisited = 100_000;
    private const int MaxDepth = 64;

    private readonly List<OutputFile> found = [];
    private long total;
    private int visited;

    public IReadOnlyList<OutputFile> Collect(IReadOnlyList<string> globs)
    {
        using var root = clone.Open();
        foreach (var glob in globs)
        {
            var before = found.Count;
            var absolute = glob.StartsWith('/') ? glob : $"{workingDirectory}/{glob}";
            Match(root, "", absolute.Split('/', StringSplitOptions.RemoveEmptyEntries), 0);
            if (found.Count == before) found.Add(new OutputFile(glob, OutputStatus.Missing, 0, default));
        }

        return found;
    }

    private void Match(DirectoryHandle directory, string path, ReadOnlySpan<string> pattern, int depth)
    {
        if (pattern.IsEmpty || depth > MaxDepth) return;
        var head = pattern[0];
        var rest = pattern[1..];
        if (head == "**") Match(directory, path, rest, depth);
        foreach (var name in Candidates(directory, head))
        {
            if (++visited > MaxVisited || found.Count >= MaxFiles) return;
            if (directory.TryStatus(name) is not { } status) continue;
            var full = $"{path}/{NativePath.Display(name)}";
            if (rest.IsEmpty && (head != "**" || status.Kind != FileKind.Directory)) found.Add(Read(directory, name, full, status));
            if (status.Kind != FileKind.Directory || (rest.IsEmpty && head != "**")) continue;
            using var child = TryOpen(directory, name);
            if (child is not null) Match(child, full, head == "**" ? pattern : rest, depth + 1);
        }
    }

    private static IEnumerable<byte[]> Candidates(DirectoryHandle directory, string pattern)
    {
        if (pattern == "**") return directory.Entries();
        if (pattern is "." or "..") return [];
        if (!pattern.AsSpan().ContainsAny('*', '?')) return [Encoding.UTF8.GetBytes(pattern)];
        return directory.Entries().Where(name => FileSystemName.MatchesSimpleExpression(pattern, Encoding.UTF8.GetString(name), ignoreCase: false))
            .OrderBy(name => Encoding.UTF8.GetString(name), StringComparer.Ordinal);
    }

    private OutputFile Read(DirectoryHandle directory, byte[] name, string path, FileStatus seen)
    {
        if (seen.Kind != FileKind.Regular) return new OutputFile(path, OutputStatus.NotRegular, 0, default);
        using var file = directory.OpenRead(name);
        var status = DirectoryHandle.StatusOf(file);
        if (status.Kind != FileKind.Regular) return new OutputFile(path, OutputStatus.NotRegular, 0, default);
        if (status.Size > MaxFile.Bytes || total + status.Size > MaxTotal.Bytes) return new OutputFile(path, OutputStatus.TooLarge, status.Size, default);
        var content = new byte[status.Size];
        var length = 0;
        int read;
        while (length < content.Length && (read = RandomAccess.Read(file, content.AsSpan(length), length)) > 0) length += read;
        total += length;
        return new OutputFile(path, OutputStatus.Returned, length, content.AsMemory(0, length));
    }

    private static DirectoryHandle? TryOpen(DirectoryHandle directory, byte[] name)
    {
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
