using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>Writes a whole file so that a reader, or a power cut, sees either what was there before or what is there after.</summary>
internal static class AtomicFile
{
    public static void Write(string path, string content, UnixFileMode mode)
    {
        var directory = Path.GetDirectoryName(path) ?? "/";
        var unfinished = Path.Combine(directory, $".{Path.GetFileName(path)}.new");
        File.Delete(unfinished);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        using (var file = new FileStream(unfinished, options))
        {
            // The mode at creation is cut by the umask.
            File.SetUnixFileMode(file.SafeFileHandle, mode);
            file.Write(Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
        using var handle = DirectoryHandle.Open(directory);
        RandomAccess.FlushToDisk(handle.Handle);
    }
}
