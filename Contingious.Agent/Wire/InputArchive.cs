using System.Buffers;
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
    private long unpackedLeft = WireFormat.MaxUnpackedBytes.Bytes + (WireFormat.MaxArchiveEntries * 2048L);
    private long extendedLeft = WireFormat.MaxExtendedHeaders.Bytes;
    private int entriesLeft = WireFormat.MaxArchiveEntries;

    /// <summary>Reads a tar archive, plain or gzip.</summary>
    /// <param name="content">The archive.</param>
    /// <param name="directory">What the names in it are put below; empty for the working directory.</param>
    /// <returns>Its regular files. A directory is made where a file is in it.</returns>
    /// <exception cref="WireException">It is no archive, too large, or holds what is not unpacked; the sentence names the entry.</exception>
    public IReadOnlyList<InputFile> Expand(ReadOnlyMemory<byte> content, string directory)
    {
        var files = new List<InputFile>();
        var entries = new TarSlices(IsGzip(content.Span) ? Decompress(content) : content, extendedLeft);
        while (entries.TryNext(out var slice))
        {
            if (--entriesLeft < 0) throw new WireException($"The archives have more than {WireFormat.MaxArchiveEntries:N0} entries.");
            if (ReadEntry(slice, directory) is { } file) files.Add(file);
        }

        extendedLeft = entries.ExtendedLeft;
        return files;
    }

    private static bool IsGzip(ReadOnlySpan<byte> content) => content.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]);

    /// <summary>
    /// Unpacks it twice: to know its size, and into exactly that much memory. Headers and padding count too, and what all archives
    /// of the job unpack to, so that neither an archive of empty names nor many of nothing but zeros get around the bound.
    /// </summary>
    private ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> content)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            var size = 0L;
            using (var measured = new GZipStream(AsStream(content), CompressionMode.Decompress))
            {
                int read;
                while ((read = measured.Read(buffer)) > 0)
                {
                    size += read;
                    if (size > unpackedLeft) throw TooLarge();
                }
            }

            unpackedLeft -= size;
            var plain = new byte[size];
            using var gzip = new GZipStream(AsStream(content), CompressionMode.Decompress);
            gzip.ReadExactly(plain);
            return plain;
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new WireException("", "The archive is not valid gzip.", cause: error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private InputFile? ReadEntry(ReadOnlyMemory<byte> slice, string directory)
    {
        try
        {
            using var reader = new TarReader(AsStream(slice));
            return reader.GetNextEntry() is { } entry ? ReadEntry(entry, slice, directory) : null;
        }
        catch (Exception error) when (error is not (WireException or OutOfMemoryException))
        {
            // TarReader does not say what it throws: InvalidDataException, FormatException, EndOfStreamException and ArgumentException were seen.
            throw new WireException("", "The archive is not a valid tar archive.", cause: error);
        }
    }

    private InputFile? ReadEntry(TarEntry entry, ReadOnlyMemory<byte> slice, string directory)
    {
        var path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..].TrimStart('/') : entry.Name;
        if (entry.Name.Contains('\uFFFD', StringComparison.Ordinal)) throw new WireException($"The entry {Escaped.Quote(entry.Name)} has a name that is not UTF-8.");
        if (entry.EntryType is TarEntryType.Directory)
        {
            if (path.Length > 0) Refuse(entry, FieldRules.DirectoryPath(path.TrimEnd('/'), allowAbsolute: false));
            return null;
        }

        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile))
        {
            throw new WireException($"The entry {Escaped.Quote(entry.Name)} is of type {entry.EntryType}; only regular files and directories are unpacked.");
        }

        Refuse(entry, FieldRules.FilePath(path, allowAbsolute: false));
        var full = directory.Length == 0 ? path : $"{directory.TrimEnd('/')}/{path}";
        Refuse(entry, FieldRules.FilePath(full));
        return new InputFile(full, ContentOf(entry, slice), (entry.Mode & AnyExecute) != 0);
    }

    /// <summary>A part of the archive, not a copy.</summary>
    private ReadOnlyMemory<byte> ContentOf(TarEntry entry, ReadOnlyMemory<byte> slice)
    {
        if (entry.DataStream is not { Length: > 0 and var length }) return default;
        bytesLeft -= length;
        if (bytesLeft < 0) throw TooLarge();
        if (entry.DataOffset < 0 || entry.DataOffset + length > slice.Length) throw new WireException("The archive is cut short, or it is not a tar archive.");
        return slice.Slice((int)entry.DataOffset, (int)length);
    }

    private static void Refuse(TarEntry entry, string? problem)
    {
        if (problem is not null) throw new WireException($"The entry {Escaped.Quote(entry.Name)}: {problem}");
    }

    private static WireException TooLarge() => new($"The archives are larger than {WireFormat.MaxUnpackedBytes} unpacked.");

    private static MemoryStream AsStream(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array) && array.Array is { } items
            ? new MemoryStream(items, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
