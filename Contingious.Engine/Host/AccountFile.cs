using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// Small files by which an account tells others of itself. Root reads them too, before it gives itself up, and the account is not to be believed: what is no
/// regular file, or has no end, is as good as none.
/// </summary>
internal static class AccountFile
{
    private const int MostBytes = 4096;

    /// <returns>What is in it; nothing where there is none, or where it is something else.</returns>
    public static byte[]? TryRead(string path)
    {
        try
        {
            var name = System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(path));
            using var directory = DirectoryHandle.Open(Path.GetDirectoryName(path) ?? "/");
            if (directory.TryStatus(name) is not { Kind: FileKind.Regular }) return null;
            using var opened = directory.OpenRead(name);
            if (DirectoryHandle.StatusOf(opened) is not { Kind: FileKind.Regular, Size: > 1 and <= MostBytes }) return null;
            var content = new byte[MostBytes];
            return content[..RandomAccess.Read(opened, content, 0)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
