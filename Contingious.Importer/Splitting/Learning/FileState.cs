using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>What two runs must agree on of one file: everything but when it was written.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Permissions">12 bits; 0 for a symlink.</param>
/// <param name="Uid">As the image numbers it.</param>
/// <param name="Gid">As <paramref name="Uid"/>.</param>
/// <param name="Content">The SHA-256 of a regular file, a symlink's target, nothing of anything else; hexadecimal.</param>
internal sealed record FileState(FileKind Kind, uint Permissions, uint Uid, uint Gid, string Content)
{
    private const int BufferBytes = 128 << 10;

    /// <param name="directory">Where it is; nobody is changing it.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="firstId">What is taken from its owner.</param>
    public static FileState? Of(DirectoryHandle directory, byte[] name, uint firstId)
    {
        if (directory.TryStatus(name) is not { } status) return null;
        var content = status.Kind switch
        {
            FileKind.Regular => Hash(directory, name),
            FileKind.Symlink => Convert.ToHexStringLower(directory.ReadLink(name)),
            _ => "",
        };
        return new FileState(status.Kind, status.Kind == FileKind.Symlink ? 0 : status.Permissions, status.Uid - firstId, status.Gid - firstId, content);
    }

    /// <summary>For people: what the state of a path is, absent or not.</summary>
    public static string Show(FileState? state) => state switch
    {
        null => "not there",
        { Kind: FileKind.Symlink } => $"a symlink to {NativePath.Display(Convert.FromHexString(state.Content))}",
        { Kind: FileKind.Regular } => $"a file of {state.Uid}:{state.Gid}, mode {Octal(state)}, content {state.Content[..12]}",
        _ => $"a {state.Kind} of {state.Uid}:{state.Gid}, mode {Octal(state)}",
    };

    private static string Octal(FileState state) => Convert.ToString(state.Permissions, 8).PadLeft(4, '0');

    private static string Hash(DirectoryHandle directory, byte[] name)
    {
        using var file = directory.OpenRead(name);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        var offset = 0L;
        int read;
        while ((read = RandomAccess.Read(file, buffer, offset)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            offset += read;
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}

/// <summary>Paths as keys: each byte one character, so that names that are no text are told apart too.</summary>
internal static class PathKey
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public const string Root = "/";

    public static string Join(string directory, byte[] name) => $"{(directory == Root ? "" : directory)}/{Encoding.Latin1.GetString(name)}";

    public static string Of(string path) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(path));

    public static byte[] Bytes(string key) => Encoding.Latin1.GetBytes(key);

    public static string Parent(string key) => key.LastIndexOf('/') is var slash and > 0 ? key[..slash] : Root;

    public static string Show(string key) => NativePath.Display(Bytes(key));

    /// <summary>The path as text; nothing where it is none.</summary>
    public static string? Text(string key)
    {
        try
        {
            return Strict.GetString(Bytes(key));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>Whether a path is a directory's, or below it.</summary>
    public static bool IsWithin(string key, string directory) => directory == Root || key == directory || key.StartsWith(directory + "/", StringComparison.Ordinal);
}
