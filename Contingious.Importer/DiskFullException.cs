using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Importer;

/// <summary>The disk that images are imported to is full; the message says which, and how to make room.</summary>
public sealed class DiskFullException(string message, Exception cause) : ContingiousException(message, cause)
{
    /// <summary>strerror(3) of ENOSPC and of EDQUOT: all that programs and the .NET library tell of them.</summary>
    private static readonly string[] said = ["No space left on device", "Disk quota exceeded"];

    /// <summary>What to say instead of an error that comes from a full disk; nothing where it does not.</summary>
    public static DiskFullException? Explain(Exception error, string stagingDirectory)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is LinuxException { Errno: Errno.ENOSPC or Errno.EDQUOT } || said.Any(text => cause.Message.Contains(text, StringComparison.OrdinalIgnoreCase)))
            {
                return new DiskFullException($"The disk is full ({Room(stagingDirectory)}): {Sentence(cause.Message)} Nothing of the import is kept. Make room there, as with 'contingious image prune', and import again.", error);
            }
        }

        return null;
    }

    private static string Room(string directory)
    {
        var there = directory;
        while (!Directory.Exists(there) && Path.GetDirectoryName(there) is { Length: > 0 } above) there = above;
        var use = Mounts.UseOf(there);
        return $"{directory}: {new ByteSize(use.FreeBytes)} and {use.FreeInodes} files free";
    }

    private static string Sentence(string message) => message.EndsWith('.') ? message : $"{message}.";
}
