using Contingious.Engine.Model;

namespace Contingious.Importer.Layers;

/// <summary>
/// Reads a tar archive entry by entry, forward only and exact to the byte: v7, ustar, pax (POSIX.1-2017 pax, extended header)
/// and GNU long names, links and base-256 numbers. Sparse files are refused.
/// </summary>
/// <remarks>Not System.Formats.Tar: it turns names that are not UTF-8 into replacement characters.</remarks>
internal sealed class TarReader(Stream stream, ByteSize maxHeader)
{
    private const int BlockSize = 512;

    private readonly byte[] block = new byte[BlockSize];
    private long contentLeft;
    private long paddingLeft;

    /// <summary>The next entry, or nothing at the end of the archive. Content that was not read is skipped.</summary>
    /// <exception cref="InvalidImageException">The archive is malformed or against a limit.</exception>
    public TarEntry? Next()
    {
        Skip(contentLeft + paddingLeft);
        contentLeft = paddingLeft = 0;
        var pax = new PaxHeader();
        byte[]? longName = null, longLink = null;
        var headerBytes = 0L;
        while (TryReadBlock())
        {
            if (block.AsSpan().IndexOfAnyExcept((byte)0) < 0) return null;
            var header = new TarHeader(block);
            switch ((char)header.Type)
            {
                case 'x':
                    pax.Read(Extended(header.Size, ref headerBytes));
                    break;
                case 'g':
                    // Global defaults: comments and provenance in practice. As container runtimes do, they are read over.
                    _ = Extended(header.Size, ref headerBytes);
                    break;
                case 'L':
                    longName = WithoutNul(Extended(header.Size, ref headerBytes));
                    break;
                case 'K':
                    longLink = WithoutNul(Extended(header.Size, ref headerBytes));
                    break;
                default:
                    return Entry(header, pax, longName, longLink);
            }
        }

        if (headerBytes > 0) throw new InvalidImageException("The tar archive ends after an extended header.");
        return null;
    }

    /// <summary>Reads content of the current entry; 0 at its end.</summary>
    public int Read(Span<byte> buffer)
    {
        if (contentLeft == 0 || buffer.IsEmpty) return 0;
        var count = stream.Read(buffer[..(int)Math.Min(buffer.Length, contentLeft)]);
        if (count == 0) throw Truncated();
        contentLeft -= count;
        return count;
    }

    private TarEntry Entry(TarHeader header, PaxHeader pax, byte[]? longName, byte[]? longLink)
    {
        var name = pax.Path ?? longName ?? header.Name;
        var kind = (char)header.Type switch
        {
            // Before POSIX a directory was a file with a slash behind its name.
            '0' or '\0' or '7' => name.Length > 0 && name[^1] == '/' ? TarEntryKind.Directory : TarEntryKind.File,
            '1' => TarEntryKind.HardLink,
            '2' => TarEntryKind.Symlink,
            '3' => TarEntryKind.CharacterDevice,
            '4' => TarEntryKind.BlockDevice,
            '5' => TarEntryKind.Directory,
            '6' => TarEntryKind.Fifo,
            'S' => throw new InvalidImageException("The tar archive has a GNU sparse file, which is not read here."),
            _ => throw new InvalidImageException($"The tar archive has an entry of the unknown type 0x{header.Type:x2}."),
        };
        if (pax.IsSparse) throw new InvalidImageException("The tar archive has a GNU sparse file, which is not read here.");
        var size = kind == TarEntryKind.File ? pax.Size ?? header.Size : 0;
        if (size < 0) throw new InvalidImageException("A tar entry has a negative size.");
        contentLeft = size;
        paddingLeft = (BlockSize - (size % BlockSize)) % BlockSize;
        return new TarEntry
        {
            Kind = kind,
            Name = name,
            LinkName = pax.LinkPath ?? longLink ?? header.LinkName,
            Size = size,
            Mode = header.Mode,
            Uid = pax.Uid ?? header.Uid,
            Gid = pax.Gid ?? header.Gid,
            ModifySeconds = pax.ModifySeconds ?? header.ModifySeconds,
            ModifyNanoseconds = pax.ModifyNanoseconds,
            Xattrs = pax.Xattrs,
        };
    }

    private byte[] Extended(long size, ref long total)
    {
        total += Math.Max(size, 0) + BlockSize;
        if (size < 0 || total > maxHeader.Bytes) throw new InvalidImageException($"The extended header of a tar entry is larger than {maxHeader}.");
        var content = new byte[size];
        if (stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length) throw Truncated();
        Skip((BlockSize - (size % BlockSize)) % BlockSize);
        return content;
    }

    private bool TryReadBlock()
    {
        var count = stream.ReadAtLeast(block, BlockSize, throwOnEndOfStream: false);
        return count == BlockSize || (count == 0 ? false : throw Truncated());
    }

    private void Skip(long count)
    {
        Span<byte> scrap = stackalloc byte[BlockSize * 8];
        while (count > 0)
        {
            var read = stream.Read(scrap[..(int)Math.Min(scrap.Length, count)]);
            if (read == 0) throw Truncated();
            count -= read;
        }
    }

    private static byte[] WithoutNul(byte[] name) => name.AsSpan().IndexOf((byte)0) is var end and >= 0 ? name[..end] : name;

    private static InvalidImageException Truncated() => new("The tar archive ends in the middle of an entry.");
}
