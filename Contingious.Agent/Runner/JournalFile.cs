using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Contingious.Agent.Runner;

/// <summary>
/// A file of the journal: <c>CTGJ</c>, a version, a kind, four bytes of the body's length, the body, and the SHA-256 of all that. It appears whole by a rename.
/// What a power cut makes of it shows when it is read: there is no fsync (docs/decisions/0012-the-runner.md).
/// </summary>
internal static class JournalFile
{
    public const byte OfJob = 1;
    public const byte OfResult = 2;

    /// <summary>What a file has that was not written to its end.</summary>
    public const string UnfinishedSuffix = ".new";

    private const byte Version = 1;
    private const int HeadSize = 10;
    private const UnixFileMode OwnersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <returns>The file's size.</returns>
    /// <exception cref="IOException">The disk is full, or the file cannot be written for another reason; nothing of it is left then.</exception>
    public static long Write(string path, byte kind, ReadOnlySpan<byte> body)
    {
        var content = new byte[HeadSize + body.Length + SHA256.HashSizeInBytes];
        "CTGJ"u8.CopyTo(content);
        content[4] = Version;
        content[5] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(6), body.Length);
        body.CopyTo(content.AsSpan(HeadSize));
        SHA256.HashData(content.AsSpan(0, HeadSize + body.Length), content.AsSpan(HeadSize + body.Length));
        var unfinished = path + UnfinishedSuffix;
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnersOnly, BufferSize = 0 };
            using (var file = new FileStream(unfinished, options)) file.Write(content);
            File.Move(unfinished, path, overwrite: true);
            return content.Length;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(unfinished);
            throw;
        }
    }

    /// <summary>Reads a file's body.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="RunnerProtocolException">It is torn, or something else.</exception>
    public static ReadOnlyMemory<byte> Read(string path, byte kind)
    {
        var content = File.ReadAllBytes(path);
        if (content.Length < HeadSize + SHA256.HashSizeInBytes || !content.AsSpan(0, 4).SequenceEqual("CTGJ"u8)) throw new RunnerProtocolException("it is no file of a journal");
        if (content[4] != Version || content[5] != kind) throw new RunnerProtocolException($"it is of version {content[4]} and kind {content[5]}");
        var length = BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(6));
        if (length != content.Length - HeadSize - SHA256.HashSizeInBytes) throw new RunnerProtocolException($"it has {content.Length} bytes and announces a body of {length}");
        var body = content.AsMemory(HeadSize, length);
        if (!SHA256.HashData(content.AsSpan(0, HeadSize + length)).AsSpan().SequenceEqual(content.AsSpan(HeadSize + length))) throw new RunnerProtocolException("its hash is another one than that of its content");
        return body;
    }

    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What was not removed is found by the next runner.
        }
    }
}
