using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Contingious.Importer.Layers;

/// <summary>Writes a <see cref="LayerLog"/>.</summary>
internal sealed class LayerLogWriter : IDisposable
{
    private const int FlushAt = 64 << 10;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream buffer = new(FlushAt * 2);
    private readonly BinaryWriter writer;
    private readonly Stream file;
    private long records;
    private long length;

    /// <param name="file">Closed by the writer.</param>
    /// <param name="owners">Whose ids the files belong to.</param>
    public LayerLogWriter(Stream file, string owners)
    {
        this.file = file;
        writer = new BinaryWriter(buffer);
        writer.Write(LayerLog.Magic);
        writer.Write(LayerLog.Version);
        writer.Write(owners);
    }

    public void Append(LoggedEntry logged)
    {
        var entry = logged.Entry;
        records++;
        writer.Write((byte)entry.Kind);
        writer.Write7BitEncodedInt64((logged.File ?? -1) + 1);
        Write(entry.Name);
        Write(entry.LinkName);
        writer.Write7BitEncodedInt64(entry.Size);
        writer.Write7BitEncodedInt64(entry.Mode);
        writer.Write7BitEncodedInt64(entry.Uid);
        writer.Write7BitEncodedInt64(entry.Gid);
        writer.Write7BitEncodedInt64(entry.ModifySeconds);
        writer.Write7BitEncodedInt64(entry.ModifyNanoseconds);
        writer.Write7BitEncodedInt(entry.Xattrs.Count);
        foreach (var xattr in entry.Xattrs)
        {
            Write(xattr.Name);
            Write(xattr.Value);
        }

        writer.Write7BitEncodedInt(logged.Refused.Count);
        foreach (var xattr in logged.Refused)
        {
            Write(xattr.Name);
            writer.Write7BitEncodedInt((int)xattr.Errno);
        }

        if (buffer.Length >= FlushAt) Flush();
    }

    /// <summary>Writes the trailer: without it the log is none.</summary>
    public void Complete()
    {
        Flush();
        Span<byte> trailer = stackalloc byte[LayerLog.TrailerLength];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, records);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[8..], length);
        hash.AppendData(trailer[..16]);
        hash.GetHashAndReset(trailer[16..]);
        file.Write(trailer);
        file.Flush();
    }

    public void Dispose()
    {
        writer.Dispose();
        file.Dispose();
        hash.Dispose();
    }

    private void Write(byte[] bytes)
    {
        writer.Write7BitEncodedInt(bytes.Length);
        writer.Write(bytes);
    }

    private void Flush()
    {
        var written = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
        hash.AppendData(written);
        file.Write(written);
        length += written.Length;
        buffer.SetLength(0);
    }
}
