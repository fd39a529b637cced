namespace Contingious.Importer.Sources;

/// <summary>A file that the user named.</summary>
internal static class SourceFile
{
    /// <exception cref="InvalidImageException">It is not there, or this account cannot read it.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(Path.GetFullPath(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidImageException($"{Path.GetFullPath(path)} cannot be read: {error.Message} It must be readable by the account that imports.", error);
        }
    }
}
