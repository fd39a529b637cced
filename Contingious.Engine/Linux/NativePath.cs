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

    /// <summary>A path for people: UTF-8 where it is, control characters and stray bytes escaped.</summary>
    public static string Display(ReadOnlySpan<byte> path)
    {
        var text = new StringBuilder(path.Length);
        foreach (var rune in Encoding.UTF8.GetString(path).EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) text.Append('\\').Append('x').Append(rune.Value.ToString("x2", null));
            else text.Append(rune.ToString());
        }

        return text.ToString();
    }
}
