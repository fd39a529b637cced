using System.Buffers.Binary;
using System.Security.Cryptography;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>Reads a <see cref="LayerLog"/> that is known to be whole.</summary>
internal sealed class LayerLogReader : IDisposable
{
    private readonly BinaryReader reader;
    private long left;

    private LayerLogReader(Stream file, long records)
    {
        reader = new BinaryReader(new BufferedStream(file, 64 << 10));
        left = records;
    }

    /// <summary>Opens a log for reading; nothing where it is damaged, incomplete, of another version, or of other owners.</summary>
    /// <param name="file">Closed by the reader, and also where there is none.</param>
    /// <param name="owners">Whose ids the files must belong to.</param>
    public static LayerLogReader? TryOpen(Stream file, string owners)
    {
        try
        {
            if (TryCheck(file) is not { } records) return null;
            file.Position = 0;
            var log = new LayerLogReader(file, records);
            if (!log.IsOf(owners)) return null;
            file = Stream.Null;
            return log;
        }
        finally
        {
            file.Dispose();
        }
    }

    /// <summary>The next entry; nothing at the end.</summary>
    /// <exception cref="IOException">The file cannot be read, or has changed since it was checked.</exception>
    public LoggedEntry? Next()
    {
        if (left == 0) return null;
        left--;
        var kind = (TarEntryKind)reader.ReadByte();
        var file = reader.Read7BitEncodedInt64() - 1;
        var entry = new TarEntry
        {
            Kind = kind,
            Name = Bytes(),
            LinkName = Bytes(),
            Size = reader.Read7BitEncodedInt64(),
            Mode = (uint)reader.Read7BitEncodedInt64(),
            Uid = reader.Read7BitEncodedInt64(),
            Gid = reader.Read7BitEncodedInt64(),
            ModifySeconds = reader.Read7BitEncodedInt64(),
            ModifyNanoseconds = (uint)reader.Read7BitEncodedInt64(),
            Xattrs = Several(() => new TarXattr(Bytes(), Bytes())),
        };
        return new LoggedEntry(entry, file < 0 ? null : file, Several(() => new RefusedXattr(Bytes(), (Errno)reader.Read7BitEncodedInt())));
    }

    public void Dispose() => reader.Dispose();

    /// <summary>How many records the log has, by its trailer, where that is right.</summary>
    private static long? TryCheck(Stream file)
    {
        var length = file.Length - LayerLog.TrailerLength;
        if (length < LayerLog.Magic.Length) return null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 << 10];
        for (var left = length; left > 0;)
        {
            var count = file.Read(buffer.AsSpan(0, (int)Math.Min(left, buffer.Length)));
            if (count == 0) return null;
            hash.AppendData(buffer.AsSpan(0, count));
            left -= count;
        }

        var trailer = buffer.AsSpan(0, LayerLog.TrailerLength);
        if (file.ReadAtLeast(trailer, trailer.Length, throwOnEndOfStream: false) < trailer.Length) return null;
        hash.AppendData(trailer[..16]);
        var isWhole = hash.GetHashAndReset().AsSpan().SequenceEqual(trailer[16..]) && BinaryPrimitives.ReadInt64LittleEndian(trailer[8..]) == length;
        return isWhole ? BinaryPrimitives.ReadInt64LittleEndian(trailer) : null;
    }

    private bool IsOf(string owners) =>
        reader.ReadBytes(LayerLog.Magic.Length).AsSpan().SequenceEqual(LayerLog.Magic) && reader.ReadInt32() == LayerLog.Version && reader.ReadString() == owners;

    private byte[] Bytes()
    {
        var length = reader.Read7BitEncodedInt();
        return length == 0 ? [] : reader.ReadBytes(length);
    }

    private List<T> Several<T>(Func<T> read)
    {
        var count = reader.Read7BitEncodedInt();
        var items = new List<T>();
        for (var i = 0; i < count; i++) items.Add(read());
        return items;
    }
}
