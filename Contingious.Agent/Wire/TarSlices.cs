namespace Contingious.Agent.Wire;

/// <summary>
/// Cuts a tar archive into its entries, each with the extended headers before it.
/// <see cref="System.Formats.Tar.TarReader"/> allocates what an extended header says it holds before it reads it (1 GiB for a header
/// of 512 bytes), so it is only shown bytes whose lengths were compared with what is there.
/// Format: https://www.gnu.org/software/tar/manual/html_node/Standard.html.
/// </summary>
/// <param name="archive">The archive.</param>
/// <param name="extendedLeft">Bytes that extended headers may have together: each of their records becomes several objects.</param>
internal ref struct TarSlices(ReadOnlyMemory<byte> archive, long extendedLeft)
{
    private const int BlockSize = 512;
    private const int MaxExtendedHeader = 64 << 10;

    private readonly ReadOnlyMemory<byte> archive = archive;
    private int position;

    public long ExtendedLeft { get; private set; } = extendedLeft;

    /// <returns>False at the end: a block of zeros, or no more bytes.</returns>
    /// <exception cref="WireException">A length is not one, or is more than what follows.</exception>
    public bool TryNext(out ReadOnlyMemory<byte> entry)
    {
        var start = position;
        while (TryHeader(out var type, out var size))
        {
            Advance(size);
            switch (type)
            {
                case 'g':
                    // For all entries that follow, such as git-archive's comment: nothing that is unpacked depends on it.
                    start = position;
                    break;
                case 'x' or 'L' or 'K':
                    if (size > MaxExtendedHeader) throw new WireException("A name or an extended header in the archive is longer than 64 KiB.");
                    if ((ExtendedLeft -= size) < 0) throw new WireException($"The extended headers of the archives are larger than {WireFormat.MaxExtendedHeaders}.");
                    break;
                default:
                    entry = archive[start..Math.Min(position, archive.Length)];
                    return true;
            }
        }

        entry = default;
        return false;
    }

    private bool TryHeader(out char type, out long size)
    {
        type = '\0';
        size = 0;
        var left = archive.Length - position;
        if (left == 0) return false;
        if (left < BlockSize) throw new WireException("The archive is not a tar archive, or it is cut short.");
        var block = archive.Span.Slice(position, BlockSize);
        if (!block.ContainsAnyExcept((byte)0)) return false;
        position += BlockSize;
        type = (char)block[156];
        size = Octal(block.Slice(124, 12));
        return true;
    }

    /// <summary>The padding of the last entry may be absent.</summary>
    private void Advance(long size)
    {
        var left = archive.Length - position;
        if (size > left) throw new WireException("The archive is cut short, or it is not a tar archive.");
        var padded = (size + BlockSize - 1) / BlockSize * BlockSize;
        position += (int)Math.Min(padded, left);
    }

    /// <summary>Octal digits alone: the base-256 form is for files of 8 GiB and more.</summary>
    private static long Octal(ReadOnlySpan<byte> field)
    {
        var digits = field.Trim(" \0"u8);
        var value = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7') throw new WireException("The archive is not a tar archive: a length in it is no number.");
            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }
}
