using System.Globalization;
using System.Text;

namespace Contingious.Tests.Importer.Support;

/// <summary>Writes tar archives by hand, hostile ones too.</summary>
internal sealed class TarBuilder
{
    private readonly List<byte> archive = [];

    public TarBuilder Entry(
        char type, byte[] name, byte[]? content = null, byte[]? link = null, uint mode = 0x1A4, long uid = 0, long gid = 0, long mtime = 1_700_000_000, long? size = null, string magic = "ustar\0" + "00", byte[]? prefix = null,
        byte[]? gnu = null, byte[]? behindHeader = null)
    {
        var block = new byte[512];
        name.AsSpan(0, Math.Min(name.Length, 100)).CopyTo(block);
        Number(block, 100, 8, mode);
        Number(block, 108, 8, uid);
        Number(block, 116, 8, gid);
        Number(block, 124, 12, size ?? content?.Length ?? 0);
        Number(block, 136, 12, mtime);
        block[156] = (byte)type;
        (link ?? []).AsSpan(0, Math.Min(link?.Length ?? 0, 100)).CopyTo(block.AsSpan(157));
        Encoding.ASCII.GetBytes(gnu is null ? magic : "ustar  \0").CopyTo(block, 257);
        prefix?.CopyTo(block, 345);
        gnu?.CopyTo(block, 386);
        block.AsSpan(148, 8).Fill((byte)' ');
        var sum = block.Sum(value => value);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        archive.AddRange(block);
        archive.AddRange(behindHeader ?? []);
        Padded(content ?? []);
        return this;
    }

    public TarBuilder File(string name, string content = "", uint mode = 0x1A4, long uid = 0, long gid = 0, long mtime = 1_700_000_000) =>
        Entry('0', Bytes(name), Bytes(content), mode: mode, uid: uid, gid: gid, mtime: mtime);

    public TarBuilder Directory(string name, uint mode = 0x1ED, long uid = 0, long gid = 0, long mtime = 1_700_000_000) =>
        Entry('5', Bytes(name), mode: mode, uid: uid, gid: gid, mtime: mtime);

    public TarBuilder Symlink(string name, string target) => Entry('2', Bytes(name), link: Bytes(target), mode: 0x1FF);

    public TarBuilder HardLink(string name, string target) => Entry('1', Bytes(name), link: Bytes(target));

    /// <summary>A pax extended header for the entry that follows.</summary>
    public TarBuilder Pax(params (string Key, byte[] Value)[] records) => Pax('x', records);

    public TarBuilder Pax(char type, params (string Key, byte[] Value)[] records)
    {
        var content = new List<byte>();
        foreach (var (key, value) in records)
        {
            var body = 1 + key.Length + 1 + value.Length + 1;
            var length = body;
            while (length != body + length.ToString(CultureInfo.InvariantCulture).Length) length = body + length.ToString(CultureInfo.InvariantCulture).Length;
            content.AddRange(Bytes($"{length} {key}="));
            content.AddRange(value);
            content.Add((byte)'\n');
        }

        return Entry(type, Bytes("pax"), [.. content]);
    }

    public TarBuilder Raw(byte[] bytes)
    {
        archive.AddRange(bytes);
        return this;
    }

    public byte[] Build() => [.. archive, .. new byte[1024]];

    public byte[] BuildWithoutEnd() => [.. archive];

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private void Padded(byte[] content)
    {
        archive.AddRange(content);
        archive.AddRange(new byte[(512 - (content.Length % 512)) % 512]);
    }

    private static void Number(byte[] block, int offset, int length, long value)
    {
        var octal = value >= 0 ? Convert.ToString(value, 8) : "";
        if (value >= 0 && octal.Length < length)
        {
            Encoding.ASCII.GetBytes(octal.PadLeft(length - 1, '0')).CopyTo(block, offset);
            return;
        }

        // GNU base-256.
        for (var i = length - 1; i >= 0; i--, value >>= 8) block[offset + i] = (byte)value;
        block[offset] |= 0x80;
    }
}
