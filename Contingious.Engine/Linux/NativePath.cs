using System.Buffers;
using System.Globalization;
using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>Paths as the kernel takes them: bytes with a NUL behind.</summary>
public static class NativePath
{
    public static byte[] Terminated(ReadOnlySpan<byte> path)
    {
        if (path.Contains((byte)0)) throw new ArgumentException($"The path {Display(path)} holds a NUL byte.");
        var bytes = new byte[path.Length + 1];
        path.CopyTo(bytes);
        return bytes;
    }

    public static byte[] Terminated(string path) => Terminated(NativeText.Bytes(path));

    /// <summary>A path for people: UTF-8 where it is; backslashes, stray bytes and what a terminal obeys or does not show as <c>\xNN</c>, so that no two names look alike.</summary>
    public static string Display(ReadOnlySpan<byte> path)
    {
        var text = new StringBuilder(path.Length);
        while (!path.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(path, out var rune, out var length) == OperationStatus.Done;
            if (isText && IsPlain(rune)) text.Append(rune.ToString());
            else foreach (var stray in path[..length]) text.Append(CultureInfo.InvariantCulture, $"\\x{stray:x2}");
            path = path[length..];
        }

        return text.ToString();
    }

    // A format character can turn the direction of what follows (U+202E), and a line separator ends a line.
    private static bool IsPlain(Rune rune) => rune.Value != '\\' && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
