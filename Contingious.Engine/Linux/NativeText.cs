using System.Buffers;
using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>
/// The kernel's strings (arguments, variables, paths), which are any bytes but NUL, as text and back without a loss: UTF-8, where a byte that is no
/// part of it becomes the lone surrogate U+DC00 plus the byte, as Python has it (PEP 383).
/// </summary>
public static class NativeText
{
    private const char First = '\udc80', Last = '\udcff';

    /// <summary>The text for bytes; <see cref="Bytes"/> of it gives them back.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done) text.Append(rune.ToString());
            else foreach (var stray in bytes[..length]) text.Append((char)(0xdc00 + stray));
            bytes = bytes[length..];
        }

        return text.ToString();
    }

    /// <summary>Whether a text is one in every encoding: it stands for no byte that is not part of UTF-8.</summary>
    public static bool IsUtf8(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (IsStray(text, i)) return false;
        }

        return true;
    }

    public static byte[] Bytes(string text)
    {
        if (IsUtf8(text)) return Encoding.UTF8.GetBytes(text);
        var bytes = new List<byte>(text.Length);
        for (var from = 0; from < text.Length;)
        {
            var to = from;
            while (to < text.Length && !IsStray(text, to)) to++;
            bytes.AddRange(Encoding.UTF8.GetBytes(text[from..to]));
            if (to < text.Length) bytes.Add((byte)text[to++]);
            from = to;
        }

        return [.. bytes];
    }

    /// <summary>As many bytes as <see cref="Bytes"/> has.</summary>
    public static int ByteCount(ReadOnlySpan<char> text)
    {
        // A lone surrogate would be the three bytes of U+FFFD.
        var count = Encoding.UTF8.GetByteCount(text);
        for (var i = 0; i < text.Length; i++)
        {
            if (IsStray(text, i)) count -= 2;
        }

        return count;
    }

    private static bool IsStray(ReadOnlySpan<char> text, int at) => text[at] is >= First and <= Last && (at == 0 || !char.IsHighSurrogate(text[at - 1]));
}
