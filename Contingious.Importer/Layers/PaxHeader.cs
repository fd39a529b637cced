using System.Globalization;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// What pax extended headers say of the next entry (POSIX.1-2017 pax, "pax Extended Header"): records of <c>LENGTH KEY=VALUE\n</c>, values as bytes.
/// </summary>
/// <remarks>
/// A later record wins, and an empty value takes an earlier one back. Access and change times, user and group names and the character set mean nothing here:
/// names are bytes and owners are numbers.
/// </remarks>
internal sealed class PaxHeader
{
    private const int LongestShownKey = 40;

    private List<string>? ignored;
    private PaxXattrs? xattrs;

    public byte[]? Path { get; private set; }

    public byte[]? LinkPath { get; private set; }

    /// <summary>The bytes that are stored.</summary>
    public long? Size { get; private set; }

    public long? Uid { get; private set; }

    public long? Gid { get; private set; }

    public long? ModifySeconds { get; private set; }

    public uint ModifyNanoseconds { get; private set; }

    /// <summary>Where the file is a sparse one.</summary>
    public PaxSparse? Sparse { get; private set; }

    public IReadOnlyList<TarXattr> Xattrs => xattrs?.All ?? [];

    /// <summary>The keys of what a file may have and is not kept: access control lists and file flags.</summary>
    public IReadOnlyList<string> Ignored => ignored ?? [];

    /// <exception cref="InvalidImageException">A record is malformed.</exception>
    public void Read(ReadOnlySpan<byte> records)
    {
        while (!records.IsEmpty)
        {
            var record = NextRecord(ref records);
            var equals = record.IndexOf((byte)'=');
            if (equals < 1 || record[..equals].Contains((byte)0)) throw Malformed();
            Set(record[..equals], record[(equals + 1)..]);
        }
    }

    /// <summary>The keys of records, for a report.</summary>
    /// <exception cref="InvalidImageException">A record is malformed.</exception>
    public static List<string> KeysOf(ReadOnlySpan<byte> records)
    {
        var keys = new List<string>();
        while (!records.IsEmpty)
        {
            var record = NextRecord(ref records);
            var equals = record.IndexOf((byte)'=');
            if (equals < 1) throw Malformed();
            keys.Add(Show(record[..equals]));
        }

        return keys;
    }

    private static ReadOnlySpan<byte> NextRecord(ref ReadOnlySpan<byte> records)
    {
        var space = records.IndexOf((byte)' ');
        if (space is < 1 or > 9 || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length <= space + 1 || length > records.Length || records[length - 1] != '\n')
        {
            throw Malformed();
        }

        var record = records[(space + 1)..(length - 1)];
        records = records[length..];
        return record;
    }

    private void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.SequenceEqual("mtime"u8)) SetModified(value);
        else if (key.SequenceEqual("path"u8)) Path = Text(value);
        else if (key.SequenceEqual("linkpath"u8)) LinkPath = Text(value);
        else if (key.SequenceEqual("size"u8)) Size = Number(value);
        else if (key.SequenceEqual("uid"u8)) Uid = Number(value);
        else if (key.SequenceEqual("gid"u8)) Gid = Number(value);
        else if (key.StartsWith(PaxXattrs.Schily)) (xattrs ??= new PaxXattrs()).AddRaw(key, value);
        else if (key.StartsWith(PaxXattrs.Libarchive)) (xattrs ??= new PaxXattrs()).AddEncoded(key, value);
        else if (key.StartsWith(PaxSparse.Prefix)) (Sparse ??= new PaxSparse()).Set(key[PaxSparse.Prefix.Length..], value);
        else if (key.StartsWith("SCHILY.acl."u8) || key.StartsWith("SCHILY.fflags"u8)) (ignored ??= []).Add(Show(key));
    }

    /// <summary>A decimal fraction of any length, such as <c>1700000000.123456789</c>; what is finer than a nanosecond rounds down, as GNU tar does it.</summary>
    private void SetModified(ReadOnlySpan<byte> value)
    {
        var point = value.IndexOf((byte)'.');
        var seconds = Number(point < 0 ? value : value[..point]);
        if (seconds is null && point >= 0) throw Malformed();
        var (nanoseconds, isFiner) = point < 0 ? default : Fraction(value[(point + 1)..]);
        if (seconds is { } whole && value[0] == '-')
        {
            // Before 1970: towards the past, and the nanoseconds count forwards from there.
            if (isFiner) nanoseconds++;
            if (nanoseconds > 0) (seconds, nanoseconds) = (whole == long.MinValue ? throw Malformed() : whole - 1, 1_000_000_000 - nanoseconds);
        }

        (ModifySeconds, ModifyNanoseconds) = (seconds, nanoseconds);
    }

    private static (uint Nanoseconds, bool IsFiner) Fraction(ReadOnlySpan<byte> digits)
    {
        var (nanoseconds, unit, isFiner) = (0u, 100_000_000u, false);
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') throw Malformed();
            if (unit == 0) isFiner |= digit != '0';
            nanoseconds += unit * (uint)(digit - '0');
            unit /= 10;
        }

        return (nanoseconds, isFiner);
    }

    private static byte[]? Text(ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)0)) throw Malformed();
        return value.IsEmpty ? null : value.ToArray();
    }

    /// <summary>Nothing for an empty value.</summary>
    internal static long? Number(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return null;
        var digits = value[0] == '-' ? value[1..] : value;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) throw Malformed();
        return long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Malformed();
    }

    internal static InvalidImageException Malformed() => new("A pax header of the tar archive is malformed: the archive is damaged, or was made to confuse. Make it again with GNU tar.");

    private static string Show(ReadOnlySpan<byte> key) => NativePath.Display(key[..Math.Min(key.Length, LongestShownKey)]);
}
