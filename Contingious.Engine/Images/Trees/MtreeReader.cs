using System.Buffers.Text;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Images.Trees;

/// <summary>A listing of trees is not one of ours, or is damaged.</summary>
internal sealed class MtreeException(long line, string what) : ContingiousException($"Line {line} of the listing {what}.");

/// <summary>Reads what <see cref="MtreeWriter"/> writes, a line at a time.</summary>
internal sealed class MtreeReader(Stream from)
{
    /// <summary>A path and a link of 4096 bytes each, every byte as four, and the keywords.</summary>
    private const int LongestLine = 64 << 10;

    private readonly byte[] buffer = new byte[LongestLine];
    private int start;
    private int end;
    private long line;

    /// <summary>The next entry; nothing at the end.</summary>
    /// <exception cref="MtreeException">The line is none.</exception>
    public MtreeEntry? Read()
    {
        while (true)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length < 0)
            {
                if (Fill()) continue;
                return start == end ? null : throw Damaged("ends in the middle");
            }

            var text = buffer.AsSpan(start, length);
            start += length + 1;
            line++;
            if (!text.IsEmpty && text[0] != '#') return Parse(text);
        }
    }

    private bool Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        if (end == buffer.Length) throw Damaged("is too long");
        var read = from.Read(buffer, end, buffer.Length - end);
        end += read;
        return read > 0;
    }

    private MtreeEntry Parse(ReadOnlySpan<byte> text)
    {
        var words = text.IndexOf((byte)' ');
        if (words < 0 || !text.StartsWith("./"u8)) throw Damaged("is no entry");
        var path = Unescape(text[2..words]);
        var keywords = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var range in text[(words + 1)..].Split((byte)' '))
        {
            var word = text[(words + 1)..][range];
            var equals = word.IndexOf((byte)'=');
            if (equals < 0) throw Damaged($"has the word '{NativePath.Display(word)}'");
            keywords[Encoding.ASCII.GetString(word[..equals])] = word[(equals + 1)..].ToArray();
        }

        var time = Encoding.ASCII.GetString(Value(keywords, "time")).Split('.');
        return new MtreeEntry
        {
            Path = path,
            Kind = KindOf(Value(keywords, "type")),
            Mode = (uint)Number(keywords, "mode", octal: true),
            Uid = (uint)Number(keywords, "uid"),
            Gid = (uint)Number(keywords, "gid"),
            Size = keywords.ContainsKey("size") ? Number(keywords, "size") : null,
            Seconds = long.TryParse(time[0], out var seconds) ? seconds : throw Damaged("has no time"),
            Nanoseconds = time.Length == 2 && uint.TryParse(time[1], out var nanoseconds) ? nanoseconds : throw Damaged("has no time"),
            Link = keywords.TryGetValue("link", out var link) ? Unescape(link) : null,
            Content = keywords.TryGetValue("sha256digest", out var hex) ? HashOf(hex) : null,
        };
    }

    private Digest HashOf(byte[] hex) =>
        Digest.TryParse(Digest.Prefix + Encoding.ASCII.GetString(hex), out var digest) ? digest : throw Damaged("has a hash that is none");

    private byte[] Value(Dictionary<string, byte[]> keywords, string keyword) =>
        keywords.TryGetValue(keyword, out var value) ? value : throw Damaged($"has no {keyword}");

    private long Number(Dictionary<string, byte[]> keywords, string keyword, bool octal = false)
    {
        var text = Value(keywords, keyword);
        if (octal && text.All(digit => digit is >= (byte)'0' and <= (byte)'7') && text.Length is > 0 and < 10) return Convert.ToInt64(Encoding.ASCII.GetString(text), 8);
        return !octal && Utf8Parser.TryParse(text, out long value, out var used) && used == text.Length ? value : throw Damaged($"has a {keyword} that is no number");
    }

    private FileKind KindOf(byte[] type) => Encoding.ASCII.GetString(type) switch
    {
        "dir" => FileKind.Directory,
        "file" => FileKind.Regular,
        "link" => FileKind.Symlink,
        "fifo" => FileKind.Fifo,
        "char" => FileKind.CharacterDevice,
        "block" => FileKind.BlockDevice,
        "socket" => FileKind.Socket,
        var other => throw Damaged($"has the type '{other}'"),
    };

    private byte[] Unescape(ReadOnlySpan<byte> text)
    {
        if (!text.Contains((byte)'\\')) return text.ToArray();
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes.Add(text[i]);
                continue;
            }

            var digits = text[(i + 1)..];
            if (digits.Length < 3 || digits[..3].IndexOfAnyExceptInRange((byte)'0', (byte)'7') >= 0) throw Damaged("has a name that is not written as vis(3) does");
            bytes.Add((byte)(((digits[0] - '0') << 6) | ((digits[1] - '0') << 3) | (digits[2] - '0')));
            i += 3;
        }

        return [.. bytes];
    }

    private MtreeException Damaged(string what) => new(line, what);
}
