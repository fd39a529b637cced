using System.Globalization;

namespace Contingious.Engine.Host;

/// <summary>One line of subuid(5) or subgid(5): the ids from <paramref name="First"/> on that an owner (a name or a uid) may map.</summary>
internal sealed record SubordinateRange(string Owner, long First, long Count)
{
    /// <summary>The first id behind it.</summary>
    public long End => First + Count;

    public bool Overlaps(SubordinateRange other) => First < other.End && other.First < End;

    public bool BelongsTo(string account, uint? uid) =>
        Owner == account || (uid is { } number && Owner == number.ToString(CultureInfo.InvariantCulture));
}

/// <summary>
/// The subordinate ids of the host. An account needs one block for the files of images
/// and one for each sandbox that lives at a time.
/// </summary>
internal static class SubordinateIds
{
    /// <summary>As many as a container can name: 0 to 65535.</summary>
    public const long Block = 65_536;

    public const long Slices = 64;

    public const long Needed = Block * (1 + Slices);

    /// <summary>Where the shadow tools begin too (SUB_UID_MIN of login.defs(5)).</summary>
    private const long Lowest = 100_000;

    /// <summary>Above it ids are negative to programs that keep them in an int.</summary>
    private const long Ceiling = 1L << 31;

    public static string PathOf(SubordinateKind kind) => kind == SubordinateKind.Uid ? "/etc/subuid" : "/etc/subgid";

    /// <summary>Reads the lines that are ranges; the others are nobody's, as for the shadow tools.</summary>
    public static IReadOnlyList<SubordinateRange> Parse(IEnumerable<string> lines) => [.. lines.Select(ParseLine).OfType<SubordinateRange>()];

    /// <summary>How many different ids an account has.</summary>
    public static long Total(IEnumerable<SubordinateRange> ranges, string account, uint? uid)
    {
        long total = 0, counted = 0;
        foreach (var range in ranges.Where(range => range.BelongsTo(account, uid)).OrderBy(range => range.First))
        {
            total += Math.Max(0, range.End - Math.Max(range.First, counted));
            counted = Math.Max(counted, range.End);
        }

        return total;
    }

    /// <summary>How many ids to add to those that an account has; 0 where they are enough.</summary>
    public static long Missing(long total)
    {
        if (total >= Needed) return 0;
        var blocks = (Needed - total + Block - 1) / Block;

        // A slice must not straddle two ranges (the kernel maps an id range from a single extent), so odd ids are not counted on.
        return (blocks + (total % Block == 0 ? 0 : 1)) * Block;
    }

    /// <summary>The lowest id from which on <paramref name="count"/> ids are nobody's.</summary>
    /// <exception cref="HostNotReadyException">There are none below 2^31.</exception>
    public static long FirstFree(IEnumerable<SubordinateRange> taken, long count)
    {
        var first = Lowest;
        foreach (var range in taken.OrderBy(range => range.First))
        {
            if (range.First >= first + count) break;
            first = Math.Max(first, range.End);
        }

        if (first + count <= Ceiling) return first;
        throw new HostNotReadyException($"No {count} subordinate ids in a row are free between {Lowest} and 2^31. Remove ranges that nobody uses from /etc/subuid and /etc/subgid.");
    }

    private static SubordinateRange? ParseLine(string line)
    {
        var fields = line.Split(':');
        return fields.Length == 3 && fields[0].Length > 0
            && TryNumber(fields[1], out var first) && TryNumber(fields[2], out var count) && count > 0
            ? new SubordinateRange(fields[0], first, count)
            : null;
    }

    /// <summary>A number as strtoul(3) with base 0 takes it, which is how the shadow tools read theirs.</summary>
    private static bool TryNumber(string text, out long number)
    {
        var digits = text.AsSpan().Trim();
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return long.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) && IsId(number);
        }

        if (digits is not ['0', _, ..]) return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number) && IsId(number);
        number = 0;
        foreach (var digit in digits)
        {
            if (digit is < '0' or > '7' || !IsId(number)) return false;
            number = (number * 8) + (digit - '0');
        }

        return IsId(number);
    }

    private static bool IsId(long number) => number is >= 0 and <= uint.MaxValue;
}

/// <summary>Users' or groups' ids: subuid(5) or subgid(5).</summary>
internal enum SubordinateKind
{
    Uid,
    Gid,
}
