using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images.Trees;

/// <summary>
/// Writes a listing of trees in mtree(5)'s form with whole paths, a line an entry, which bsdtar(1) and the mtree tools read. Every byte of a name that
/// is not plain is written as vis(3) does, as three octal digits.
/// </summary>
internal sealed class MtreeWriter(Stream to)
{
    private const byte Blank = (byte)' ';

    private readonly byte[] number = new byte[32];

    public void WriteHeader() => to.Write("#mtree\n"u8);

    public void Write(MtreeEntry entry)
    {
        to.Write("./"u8);
        WriteName(entry.Path);
        Write(" type="u8, TypeOf(entry.Kind));
        to.Write(" mode="u8);
        to.Write(Encoding.ASCII.GetBytes(Convert.ToString(entry.Mode, 8).PadLeft(4, '0')));
        Write(" uid="u8, entry.Uid);
        Write(" gid="u8, entry.Gid);
        if (entry.Size is { } size) Write(" size="u8, size);
        Write(" time="u8, entry.Seconds);
        Write("."u8, Encoding.ASCII.GetBytes(entry.Nanoseconds.ToString("d9", CultureInfo.InvariantCulture)));
        if (entry.Link is { } link)
        {
            to.Write(" link="u8);
            WriteName(link);
        }

        if (entry.Content is { } content) Write(" sha256digest="u8, Encoding.ASCII.GetBytes(content.Hex));
        to.WriteByte((byte)'\n');
    }

    private void Write(ReadOnlySpan<byte> keyword, ReadOnlySpan<byte> value)
    {
        to.Write(keyword);
        to.Write(value);
    }

    private void Write(ReadOnlySpan<byte> keyword, long value)
    {
        if (!Utf8Formatter.TryFormat(value, number, out var length)) throw new InvalidOperationException($"{value} is longer than any number.");
        Write(keyword, number.AsSpan(0, length));
    }

    private void WriteName(ReadOnlySpan<byte> name)
    {
        foreach (var one in name)
        {
            if (IsPlain(one)) to.WriteByte(one);
            else to.Write([(byte)'\\', (byte)('0' + (one >> 6)), (byte)('0' + ((one >> 3) & 7)), (byte)('0' + (one & 7))]);
        }
    }

    /// <summary>Neither a blank nor what means something in a listing: <c>#</c> begins a comment, <c>=</c> ends a keyword, the others are patterns' or vis(3)'s.</summary>
    private static bool IsPlain(byte one) => one is > Blank and < 0x7f && !"#=\\*?["u8.Contains(one);

    private static ReadOnlySpan<byte> TypeOf(FileKind kind) => kind switch
    {
        FileKind.Directory => "dir"u8,
        FileKind.Regular => "file"u8,
        FileKind.Symlink => "link"u8,
        FileKind.Fifo => "fifo"u8,
        FileKind.CharacterDevice => "char"u8,
        FileKind.BlockDevice => "block"u8,
        FileKind.Socket => "socket"u8,
        FileKind.Unknown => throw new InvalidOperationException("A file of no known kind cannot be listed."),
        _ => throw new InvalidOperationException($"{kind} is no kind of file."),
    };
}
