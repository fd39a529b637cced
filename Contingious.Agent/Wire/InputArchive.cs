using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>
/// Unpacks the archives of one job into files of its request. All of them together share one bound on bytes and one on entries.
/// </summary>
internal sealed class InputArchive
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private long bytesLeft = WireFormat.MaxUnpackedBytes.Bytes;
    private int entriesLeft = WireFormat.MaxArchiveEntries;

    /// <summary>Reads a tar archive, plain or gzip.</summary>
    /// <param name="content">The archive.</param>
    /// <param name="directory">What the names in it are put below; empty for the working directory.</param>
    /// <returns>Its regular files. A directory is made where a file is in it.</returns>
    /// <exception cref="WireException">It is no archive, too large, or holds what is not unpacked; the sentence names the entry.</exception>
    public IReadOnlyList<InputFile> Expand(ReadOnlyMemory<byte> content, string directory)
    {
        var files = new List<InputFile>();
        var entries = new TarSlices(IsGzip(content.Span) ? Decompress(content) : content);
        while (entries.TryNext(out var slice))
        {
            if (--entriesLeft < 0) throw new WireException($"The archives have more than {WireFormat.MaxArchiveEntries:N0} entries.");
            if (ReadEntry(slice, directory) is { } file) files.Add(file);
        }

        return files;
    }

    private static bool IsGzip(ReadOnlySpan<byte> content) => content.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]);

    /// <summary>Headers and padding count too, so that an archive of empty names is bounded as well.</summary>
    private ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> content)
    {
        var most = bytesLeft + (entriesLeft * 2048L);
        using var gzip = new GZipStream(AsStream(content), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        var buffer = new byte[64 << 10];
        try
        {
            int read;
            while ((read = gzip.Read(buffer)) > 0)
            {
                if (plain.Length + read > most) throw TooLarge();
                plain.Write(buffer, 0, read);
            }
        }
        catch (InvalidDataException error)
        {
            throw new WireException("", "The archive is not valid gzip.", cause: error);
        }

        return plain.GetBuffer().AsMemory(0, (int)plain.Length);
    }

    private InputFile? ReadEntry(ReadOnlyMemory<byte> slice, string directory)
    {
        try
        {
            using var reader = new TarReader(AsStream(slice));
            return reader.GetNextEntry() is { } entry ? ReadEntry(entry, directory) : null;
        }
        catch (Exception error) when (error is not (WireException or OutOfMemoryException))
        {
            // TarReader does not say what it throws: InvalidDataException, FormatException, EndOfStreamException and ArgumentException were seen.
            throw new WireException("", "The archive is not a valid tar archive.", cause: error);
        }
    }

    private InputFile? ReadEntry(TarEntry entry, string directory)
    {
        var name = Escaped.Quote(entry.Name);
        var path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..].TrimStart('/') : entry.Name;
        if (entry.Name.Contains('\uFFFD', StringComparison.Ordinal)) throw new WireException($"The entry {name} has a name that is not UTF-8.");
        if (entry.EntryType is TarEntryType.Directory)
        {
            if (path.Length > 0 && FieldRules.DirectoryPath(path.TrimEnd('/'), allowAbsolute: false) is { } wrong) throw new WireException($"The entry {name}: {wrong}");
            return null;
        }

        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile))
        {
            throw new WireException($"The entry {name} is of type {entry.EntryType}; only regular files and directories are unpacked.");
        }

        if (FieldRules.FilePath(path, allowAbsolute: false) is { } problem) throw new WireException($"The entry {name}: {problem}");
        var full = directory.Length == 0 ? path : $"{directory.TrimEnd('/')}/{path}";
        if (FieldRules.FilePath(full) is { } tooLong) throw new WireException($"The entry {name}: {tooLong}");
        return new InputFile(full, ReadContent(entry), (entry.Mode & AnyExecute) != 0);
    }

    private byte[] ReadContent(TarEntry entry)
    {
        if (entry.DataStream is not { } data) return [];
        bytesLeft -= data.Length;
        if (bytesLeft < 0) throw TooLarge();
        var content = new byte[data.Length];
        data.ReadExactly(content);
        return content;
    }

    private static WireException TooLarge() => new($"The archives are larger than {WireFormat.MaxUnpackedBytes} unpacked.");

    private static MemoryStream AsStream(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array) && array.Array is { } items
            ? new MemoryStream(items, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
