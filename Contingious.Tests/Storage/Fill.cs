namespace Contingious.Tests.Storage;

/// <summary>Writes files as a job would, to the last byte that is let through.</summary>
internal static class Fill
{
    public static void With(string path, long bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var block = new byte[1 << 16];
        for (long at = 0; at < bytes; at += block.Length) RandomAccess.Write(file, block.AsSpan(0, (int)Math.Min(block.Length, bytes - at)), at);
    }

    /// <summary>The kernel's error number; 0 where it let everything through.</summary>
    public static int UntilRefused(string path, long bytes)
    {
        try
        {
            With(path, bytes);
            return 0;
        }
        catch (IOException error)
        {
            return error.HResult;
        }
    }
}
