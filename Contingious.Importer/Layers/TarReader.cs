using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Importer.Layers;

/// <summary>
/// Reads a tar archive entry by entry, forward only and exact to the byte: v7, ustar, pax (POSIX.1-2017 pax, extended header), and GNU tar's
/// long names and links, base-256 numbers and sparse files (its old format, and 0.0, 0.1 and 1.0 of pax).
/// </summary>
/// <remarks>
/// <para>Not System.Formats.Tar: it turns names that are not UTF-8 into replacement characters, and knows no sparse files.</para>
/// <para>Where readers differ: type <c>7</c> is a file, and <c>X</c> (Solaris) is <c>x</c>. A file with a slash behind its name is a directory
/// (before POSIX all were so), and refused where it has content. Links, directories and devices have no content, whatever size they say, as in Go and libarchive.
/// Global headers (<c>g</c>) are read over, and reported when they set more than a comment; a volume's label (<c>V</c>) is skipped and reported.
/// An incremental dump's directory (<c>D</c>), a later volume (<c>M</c>) and all other types are refused.
/// An entry whose GNU long name and pax path differ is refused: tars do not agree which of the two counts.</para>
/// <para>One block of zeros ends the archive, as does the end of the stream where an entry could begin or behind the last byte of a file: <c>umoci insert</c>
/// leaves out what fills the last block. What is behind the end is read, and reported where it is not zeros.</para>
/// <para>Extents of a sparse file are stored without anything between them, as Go, libarchive and Python read them. GNU tar fills each up to a block,
/// which is the same for all that it makes itself.</para>
/// </remarks>
/// <param name="stream">The archive, unpacked.</param>
/// <param name="maxHeader">The most that the extended headers and the sparse map of one entry may hold together.</param>
/// <param name="report">Where to tell what is read over.</param>
internal sealed class TarReader(Stream stream, ByteSize maxHeader, UnpackReport? report = null)
{
    private const int BlockSize = TarHeader.BlockSize;

    /// <summary>One a volume is what they are for; they are no entries, and so count for themselves.</summary>
    private const int MostLabels = 1000;

    /// <summary>Far from an overflow, and more than any file system has.</summary>
    private const long LargestSize = 1L << 62;

    private readonly byte[] block = new byte[BlockSize];
    private byte[]? scrap;
    private long contentLeft;
    private long paddingLeft;
    private long headerBytes;
    private bool hasEnded;
    private int labels;

    /// <summary>The next entry, or nothing at the end of the archive. Content that was not read is skipped.</summary>
    /// <exception cref="InvalidImageException">The archive is malformed or against a limit.</exception>
    public TarEntry? Next()
    {
        if (hasEnded) return null;
        Skip(contentLeft);
        hasEnded = !TrySkip(paddingLeft);
        contentLeft = paddingLeft = headerBytes = 0;
        if (hasEnded) return null;
        PaxHeader? pax = null;
        byte[]? longName = null, longLink = null;
        while (TryReadBlock())
        {
            if (!block.AsSpan().ContainsAnyExcept((byte)0))
            {
                if (headerBytes > 0) throw new InvalidImageException("The tar archive ends after an extended header.");
                ReadBehindEnd();
                return null;
            }

            var header = new TarHeader(block);
            switch ((char)header.Type)
            {
                case 'x' or 'X':
                    (pax ??= new PaxHeader()).Read(Extended(header.Size));
                    break;
                case 'g':
                    ReadOver(Extended(header.Size));
                    break;
                case 'L':
                    longName = WithoutNul(Extended(header.Size));
                    break;
                case 'K':
                    longLink = WithoutNul(Extended(header.Size));
                    break;
                case 'V':
                    // An entry like others, and extended headers before it are its own.
                    report?.Add(Dropped.VolumeLabels, EntryPath.Show(header.Name()));
                    Begin(pax?.Size ?? header.Size);
                    Skip(contentLeft + paddingLeft);
                    (contentLeft, paddingLeft, headerBytes) = (0, 0, 0);
                    (pax, longName, longLink) = (null, null, null);
                    if (++labels > MostLabels) throw new InvalidImageException($"The tar archive has more than {MostLabels} volume labels.");
                    break;
                default:
                    return Entry(header, pax, longName, longLink);
            }
        }

        if (headerBytes > 0) throw new InvalidImageException("The tar archive ends after an extended header.");
        hasEnded = true;
        return null;
    }

    /// <summary>Reads content of the current entry, for a sparse file the data of its extents; 0 at its end.</summary>
    public int Read(Span<byte> buffer)
    {
        if (contentLeft == 0 || buffer.IsEmpty) return 0;
        var count = stream.Read(buffer.Length > contentLeft ? buffer[..(int)contentLeft] : buffer);
        if (count == 0) throw Truncated();
        contentLeft -= count;
        return count;
    }

    private TarEntry Entry(TarHeader header, PaxHeader? pax, byte[]? longName, byte[]? longLink)
    {
        var name = OneOf(pax?.Path, longName) ?? header.Name();
        var kind = KindOf(header, name, pax?.Size ?? header.Size);
        if (kind == TarEntryKind.File) Begin(pax?.Size ?? header.Size);
        // Whole before a sparse file's map is read, which overwrites the header.
        var entry = new TarEntry
        {
            Kind = kind,
            Name = name,
            Size = contentLeft,
            LinkName = kind is not (TarEntryKind.HardLink or TarEntryKind.Symlink) ? [] : OneOf(pax?.LinkPath, longLink) ?? header.LinkName.ToArray(),
            Mode = header.Mode,
            Uid = pax?.Uid ?? header.Uid,
            Gid = pax?.Gid ?? header.Gid,
            ModifySeconds = pax?.ModifySeconds ?? header.ModifySeconds,
            ModifyNanoseconds = pax?.ModifyNanoseconds ?? 0,
            Xattrs = pax?.Xattrs ?? [],
        };
        foreach (var key in pax?.Ignored ?? []) report?.Add(Dropped.AccessLists, $"{EntryPath.Show(name)} ({key})");
        if (header.Type == 'S') return pax?.Sparse is null ? OldSparse(entry, header) : throw SparseMap.Malformed();
        if (pax?.Sparse is not { } sparse) return entry;
        return kind == TarEntryKind.File ? PaxSparse(entry, sparse) : throw SparseMap.Malformed();
    }

    private static TarEntryKind KindOf(TarHeader header, byte[] name, long size)
    {
        switch ((char)header.Type)
        {
            case '0' or '\0' or '7' or 'S' when name.Length > 0 && name[^1] == '/':
                return size == 0 && header.Type != 'S' ? TarEntryKind.Directory : throw new InvalidImageException($"The tar archive has the file '{EntryPath.Show(name)}', which is a directory by its name and has content.");
            case '0' or '\0' or '7' or 'S':
                return TarEntryKind.File;
            case '1':
                return TarEntryKind.HardLink;
            case '2':
                return TarEntryKind.Symlink;
            case '3':
                return TarEntryKind.CharacterDevice;
            case '4':
                return TarEntryKind.BlockDevice;
            case '5':
                return TarEntryKind.Directory;
            case '6':
                return TarEntryKind.Fifo;
            case 'D' or 'M':
                throw new InvalidImageException($"The tar archive has the entry '{EntryPath.Show(name)}' of the type {(char)header.Type}: it is an incremental dump or one volume of several, not a whole tree. Make it again without --incremental and --multi-volume.");
            default:
                throw new InvalidImageException($"The tar archive has the entry '{EntryPath.Show(name)}' of the unknown type 0x{header.Type:x2}. Make it again with GNU tar or bsdtar.");
        }
    }

    private TarEntry OldSparse(TarEntry entry, TarHeader header)
    {
        // star has a type S too, and other fields.
        if (!header.IsGnu) throw new InvalidImageException($"The tar archive has the sparse file '{EntryPath.Show(entry.Name)}' in a format that is not GNU tar's. Make it again with GNU tar.");
        var map = new SparseMap();
        var size = header.GnuRealSize;
        var (goesOn, hasMore) = (map.AddGnu(header.GnuExtents), header.HasGnuExtension);
        while (hasMore)
        {
            if (!goesOn) throw SparseMap.Malformed();
            Count(BlockSize);
            if (!TryReadBlock()) throw Truncated();
            (goesOn, hasMore) = (map.AddGnu(block.AsSpan(0, 21 * 24)), block[504] != 0);
        }

        return entry with { Size = size, Sparse = map.Close(size, contentLeft) };
    }

    private TarEntry PaxSparse(TarEntry entry, PaxSparse sparse)
    {
        entry = entry with { Size = sparse.RealSize, Name = sparse.Name ?? entry.Name };
        if (!sparse.IsMapInContent) return entry with { Sparse = sparse.Close(contentLeft) };
        var map = new SparseMapText();
        while (!map.IsComplete)
        {
            if (contentLeft < BlockSize) throw SparseMap.Malformed();
            Count(BlockSize);
            if (!TryReadBlock()) throw Truncated();
            contentLeft -= BlockSize;
            map.Add(block);
        }

        return entry with { Sparse = map.Close(entry.Size, contentLeft) };
    }

    private void Begin(long size)
    {
        if (size is < 0 or > LargestSize) throw new InvalidImageException("A tar entry has a negative size, or one that no file can have.");
        contentLeft = size;
        paddingLeft = -size & (BlockSize - 1);
    }

    private byte[] Extended(long size)
    {
        Count(BlockSize);
        Count(size);
        var content = new byte[size];
        if (stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length) throw Truncated();
        Skip(-size & (BlockSize - 1));
        return content;
    }

    /// <summary>All that an entry says of itself, against the limit and before it is read.</summary>
    private void Count(long bytes)
    {
        if (bytes < 0 || bytes > maxHeader.Bytes - headerBytes) throw new InvalidImageException($"The extended header of a tar entry is larger than {maxHeader}.");
        headerBytes += bytes;
    }

    private void ReadOver(byte[] records)
    {
        foreach (var key in PaxHeader.KeysOf(records))
        {
            // git-archive writes the commit so.
            if (key != "comment") report?.Add(Dropped.GlobalHeaders, key);
        }
    }

    private void ReadBehindEnd()
    {
        hasEnded = true;
        scrap ??= new byte[64 << 10];
        int count;
        while ((count = stream.Read(scrap)) > 0)
        {
            var start = scrap.AsSpan(0, count).IndexOfAnyExcept((byte)0);
            if (start < 0) continue;
            var rest = scrap.AsSpan(start, count - start);
            report?.Add(Dropped.BehindEnd, NativePath.Display(rest[..Math.Min(rest.Length, 16)]), rest.Length - rest.Count((byte)0));
        }
    }

    private bool TryReadBlock()
    {
        var count = stream.ReadAtLeast(block, BlockSize, throwOnEndOfStream: false);
        return count == BlockSize || (count == 0 ? false : throw Truncated());
    }

    private void Skip(long count)
    {
        if (!TrySkip(count)) throw Truncated();
    }

    private bool TrySkip(long count)
    {
        while (count > 0)
        {
            scrap ??= new byte[64 << 10];
            var read = stream.Read(scrap, 0, (int)Math.Min(scrap.Length, count));
            if (read == 0) return false;
            count -= read;
        }

        return true;
    }

    private static byte[]? OneOf(byte[]? pax, byte[]? gnu)
    {
        if (pax is not null && gnu is not null && !pax.AsSpan().SequenceEqual(gnu))
        {
            throw new InvalidImageException($"A tar entry is called '{EntryPath.Show(pax)}' by its pax header and '{EntryPath.Show(gnu)}' by GNU's: tars do not agree which counts.");
        }

        return pax ?? gnu;
    }

    private static byte[] WithoutNul(byte[] name) => name.AsSpan().IndexOf((byte)0) is var end and >= 0 ? name[..end] : name;

    private static InvalidImageException Truncated() => new("The tar archive ends in the middle of an entry: it is cut short. Fetch it or make it again.");
}
