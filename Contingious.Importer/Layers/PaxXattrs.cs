using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace Contingious.Importer.Layers;

/// <summary>The extended attributes in pax headers, both ways of writing them; where both have one, it is one.</summary>
/// <remarks>
/// <c>SCHILY.xattr.NAME</c> (star, GNU tar, Docker, bsdtar) holds the value as it is. A name cannot hold a <c>=</c> there, so GNU tar writes
/// <c>%3D</c> for it and <c>%25</c> for a percent sign; those two are read back. <c>LIBARCHIVE.xattr.NAME</c> (bsdtar) has the name
/// URL-encoded and the value in base64. bsdtar writes each attribute both ways and with the URL-encoded name in both: the raw value and the decoded name count.
/// </remarks>
internal sealed class PaxXattrs
{
    /// <summary>Of one entry; the kernel gives names of one file 64 KiB in all (XATTR_LIST_MAX).</summary>
    private const int Most = 1024;

    private readonly List<TarXattr> all = [];
    private readonly List<(byte[] Written, bool IsRaw)> origins = [];

    public static ReadOnlySpan<byte> Schily => "SCHILY.xattr."u8;

    public static ReadOnlySpan<byte> Libarchive => "LIBARCHIVE.xattr."u8;

    public IReadOnlyList<TarXattr> All => all;

    public void AddRaw(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(key[Schily.Length..], value.ToArray(), isRaw: true);

    public void AddEncoded(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(key[Libarchive.Length..], Unpack(value), isRaw: false);

    private void Add(ReadOnlySpan<byte> written, byte[] value, bool isRaw)
    {
        var name = Unescape(written, isUrl: !isRaw);
        if (name.Length == 0 || name.AsSpan().Contains((byte)0)) throw PaxHeader.Malformed();
        var index = IndexOf(name, written, isRaw);
        if (index < 0)
        {
            if (all.Count == Most) throw new InvalidImageException($"A tar entry has more than {Most} extended attributes.");
            all.Add(new TarXattr(name, value));
            origins.Add((written.ToArray(), isRaw));
        }
        else if (isRaw == origins[index].IsRaw)
        {
            all[index] = new TarXattr(name, value);
        }
        else
        {
            all[index] = isRaw ? all[index] with { Value = value } : all[index] with { Name = name };
            origins[index] = (written.ToArray(), IsRaw: true);
        }
    }

    private int IndexOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> written, bool isRaw)
    {
        for (var i = 0; i < all.Count; i++)
        {
            if (name.SequenceEqual(all[i].Name) || (isRaw != origins[i].IsRaw && written.SequenceEqual(origins[i].Written))) return i;
        }

        return -1;
    }

    private static byte[] Unescape(ReadOnlySpan<byte> name, bool isUrl)
    {
        if (!name.Contains((byte)'%')) return name.ToArray();
        var plain = new List<byte>(name.Length);
        while (!name.IsEmpty)
        {
            var isEscape = isUrl ? name.Length >= 3 && name[0] == '%' && IsHex(name[1]) && IsHex(name[2]) : name.StartsWith("%3D"u8) || name.StartsWith("%25"u8);
            plain.Add(isEscape ? byte.Parse(name[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : name[0]);
            name = name[(isEscape ? 3 : 1)..];
        }

        return [.. plain];
    }

    private static bool IsHex(byte digit) => char.IsAsciiHexDigit((char)digit);

    /// <summary>libarchive leaves out the padding.</summary>
    private static byte[] Unpack(ReadOnlySpan<byte> base64)
    {
        var digits = base64.TrimEnd((byte)'=');
        var padded = new byte[(digits.Length + 3) / 4 * 4];
        padded.AsSpan().Fill((byte)'=');
        digits.CopyTo(padded);
        var value = new byte[Base64.GetMaxDecodedFromUtf8Length(padded.Length)];
        return Base64.DecodeFromUtf8(padded, value, out _, out var written) == OperationStatus.Done ? value[..written] : throw PaxHeader.Malformed();
    }
}
