using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work.Inginious;

/// <summary>The files of a grader's <c>/archive</c> as INGInious sends them back: a tar archive, packed with gzip.</summary>
internal static class InginiousArchive
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <returns>Nothing where no file came back whole.</returns>
    public static ReadOnlyMemory<byte>? Of(IReadOnlyList<OutputFile> outputs)
    {
        const string below = InginiousTranslator.ArchiveDirectory + "/";
        var files = outputs.Where(output => output.Status == OutputStatus.Returned && !output.Truncated && output.Path.StartsWith(below, StringComparison.Ordinal)).ToArray();
        if (files.Length == 0) return null;
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        using (var tar = new TarWriter(gzip))
        {
            foreach (var file in files)
            {
                using var content = AsStream(file.Content);
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file.Path[below.Length..]) { DataStream = content, Mode = Mode, ModificationTime = DateTimeOffset.UnixEpoch });
            }
        }

        return packed.ToArray();
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array) && array.Array is { } items
            ? new MemoryStream(items, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
