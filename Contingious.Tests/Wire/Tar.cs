using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Contingious.Tests.Wire;

/// <summary>Makes archives, right and wrong.</summary>
internal static class Tar
{
    public static TarEntry File(string name, string content, UnixFileMode mode = (UnixFileMode)0b110_100_100) =>
        new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)), Mode = mode };

    public static byte[] Of(params TarEntry[] entries)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            foreach (var entry in entries) writer.WriteEntry(entry);
        }

        return archive.ToArray();
    }

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(content);
        return packed.ToArray();
    }

    /// <summary>One header block, its checksum right and its size whatever is said.</summary>
    public static byte[] Header(char type, string size, string name = "a")
    {
        var block = new byte[512];
        Put(0, name);
        Put(100, "0000644\0");
        Put(108, "0000000\0");
        Put(116, "0000000\0");
        Put(124, size.PadLeft(11, '0') + "\0");
        Put(136, "00000000000\0");
        Put(148, "        ");
        block[156] = (byte)type;
        Put(257, "ustar\000");
        Put(148, Convert.ToString(block.Sum(b => b), 8).PadLeft(6, '0') + "\0 ");
        return block;

        void Put(int at, string text) => Encoding.Latin1.GetBytes(text).CopyTo(block, at);
    }
}
