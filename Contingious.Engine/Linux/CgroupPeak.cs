using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>A peak of memory that begins at a moment of our choosing: an open memory.peak that was written to (Linux 6.12 and later).</summary>
internal static class CgroupPeak
{
    /// <summary>Begins one.</summary>
    /// <returns>What it is read from; nothing where the kernel has only the peak of a whole life.</returns>
    public static SafeFileHandle? TryBegin(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            RandomAccess.Write(file, "reset"u8, 0);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            return null;
        }
    }

    public static long Read(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[32];
        return long.Parse(Encoding.ASCII.GetString(text[..RandomAccess.Read(file, text, 0)]).AsSpan().Trim(), CultureInfo.InvariantCulture);
    }
}
