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

    public static byte[] Terminated(string path) => Terminated(Encoding.UTF8.GetBytes(path));

    /// <summary>A path for people: UTF-8 where it is; backslashes, control characters and stray bytes as <c>\xNN</c>, so that no two names look alike.</summary>
    public static string Display(ReadOnlySpan<byte> path)
    {
        var text = new StringBuilder(path.Length);
        while (!path.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(path, out var rune, out var length) == OperationStatus.Done;
            if (isText && !Rune.IsControl(rune) && rune.Value != '\\') text.Append(rune.ToString());
            else foreach (var stray in path[..length]) text.Append(CultureInfo.InvariantCulture, $"\\x{stray:x2}");
            path = path[length..];
        }

        return text.ToString();
    }
}
