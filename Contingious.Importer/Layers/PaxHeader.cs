using System.Globalization;
using System.Text;

namespace Contingious.Importer.Layers;

/// <summary>What pax extended headers say of the next entry: records of <c>LENGTH KEY=VALUE\n</c>, values as bytes.</summary>
internal sealed class PaxHeader
{
    public byte[]? Path { get; private set; }

    public byte[]? LinkPath { get; private set; }

    public long? Size { get; private set; }

    public long? Uid { get; private set; }

    public long? Gid { get; private set; }

    public long? ModifySeconds { get; private set; }

    public uint ModifyNanoseconds { get; private set; }

    public bool IsSparse { get; private set; }

    public List<TarXattr> Xattrs { get; } = [];

    /// <exception cref="InvalidImageException">A record is malformed.</exception>
    public void Read(ReadOnlySpan<byte> records)
    {
        while (!records.IsEmpty)
        {
            var space = records.IndexOf((byte)' ');
            if (space is < 1 or > 9 || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > records.Length || records[length - 1] != '\n')
            {
                throw Malformed();
            }

            var record = records[(space + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1) throw Malformed();
            Set(Encoding.UTF8.GetString(record[..equals]), record[(equals + 1)..]);
            records = records[length..];
        }
    }

    private void Set(string key, ReadOnlySpan<byte> value)
    {
        switch (key)
        {
            case "path":
                Path = Text(value);
                break;
            case "linkpath":
                LinkPath = Text(value);
                break;
            case "size":
                Size = Number(value);
                break;
            case "uid":
                Uid = Number(value);
                break;
            case "gid":
                Gid = Number(value);
                break;
            case "mtime":
                SetModified(value);
                break;
            default:
                if (key.StartsWith("SCHILY.xattr.", StringComparison.Ordinal)) Xattrs.Add(new TarXattr(Encoding.UTF8.GetBytes(key["SCHILY.xattr.".Length..]), value.ToArray()));
                if (key.StartsWith("GNU.sparse.", StringComparison.Ordinal)) IsSparse = true;
                break;
        }
    }

    private void SetModified(ReadOnlySpan<byte> value)
    {
        // A decimal fraction of any length: "1700000000.123456789".
        var point = value.IndexOf((byte)'.');
        ModifySeconds = Number(point < 0 ? value : value[..point]);
        ModifyNanoseconds = 0;
        if (point < 0) return;
        var digits = Encoding.ASCII.GetString(value[(point + 1)..]).PadRight(9, '0')[..9];
        if (!uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds)) throw Malformed();
        ModifyNanoseconds = nanoseconds;
    }

    private static byte[] Text(ReadOnlySpan<byte> value) => value.Contains((byte)0) ? throw Malformed() : value.ToArray();

    private static long Number(ReadOnlySpan<byte> value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Malformed();

    private static InvalidImageException Malformed() => new("A pax header of the tar archive is malformed.");
}
