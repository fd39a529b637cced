using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Importer.Layers;

/// <summary>A layer that comes out of its tar, and goes to the layer store meanwhile where one is kept.</summary>
internal sealed class TarLayer(Stream tar, ByteSize maxHeader, EntryAttributes attributes, UnpackReport report, LayerRecorder? recorder = null) : ILayerEntries
{
    private readonly TarReader reader = new(tar, maxHeader, report);
    private readonly byte[] buffer = new byte[256 << 10];
    private TarEntry? current;
    private long? stored;
    private IReadOnlyList<RefusedXattr> refused = [];

    public TarEntry? Next()
    {
        // Only now is known what became of the one before.
        if (current is not null) recorder?.Append(current, stored, refused);
        (stored, refused) = (null, []);
        current = reader.Next();
        return current;
    }

    public bool TryMake(TarEntry entry, DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        using var file = parent.TryCreateFile(name, 0x180 /* 0600 */);
        if (file is null) return false;
        if (entry.Sparse is { } extents) WriteSparse(file, entry.Size, extents);
        else Write(file, 0, entry.Size);
        refused = attributes.Apply(file, entry);
        attributes.Report(entry, refused);
        stored = recorder?.Keep(parent, name);
        return true;
    }

    private void WriteSparse(SafeFileHandle file, long size, IReadOnlyList<SparseExtent> extents)
    {
        foreach (var extent in extents) Write(file, extent.Offset, extent.Length);
        RandomAccess.SetLength(file, size);
    }

    private void Write(SafeFileHandle file, long offset, long length)
    {
        while (length > 0)
        {
            var filled = Fill(buffer.AsSpan(0, (int)Math.Min(length, buffer.Length)));
            RandomAccess.Write(file, buffer.AsSpan(0, filled), offset);
            (offset, length) = (offset + filled, length - filled);
        }
    }

    /// <summary>A decompressor gives a few KiB at a time; a write is worth more.</summary>
    private int Fill(Span<byte> wanted)
    {
        var filled = 0;
        while (filled < wanted.Length)
        {
            var count = reader.Read(wanted[filled..]);
            if (count == 0) throw new InvalidImageException("A file of the tar archive has less content than its header says.");
            filled += count;
        }

        return filled;
    }
}
