using System.Globalization;

namespace Contingious.Engine.Model;

/// <summary>A number of bytes, so that a bare number never has to be guessed at.</summary>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>
{
    public static ByteSize Zero => default;

    public static ByteSize FromKiB(long count) => new(checked(count << 10));

    public static ByteSize FromMiB(long count) => new(checked(count << 20));

    public static ByteSize FromGiB(long count) => new(checked(count << 30));

    /// <summary>
    /// Reads <c>1048576</c>, <c>64k</c>, <c>64m</c>, <c>2g</c> (binary multiples, any case, an optional <c>b</c> or <c>ib</c> behind),
    /// the form that podman and docker take for <c>--memory</c>.
    /// </summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        if (string.IsNullOrWhiteSpace(text)) return false;
        var digits = text.AsSpan().Trim();
        if (digits.EndsWith("ib", StringComparison.OrdinalIgnoreCase)) digits = digits[..^2];
        else if (digits.EndsWith("b", StringComparison.OrdinalIgnoreCase)) digits = digits[..^1];
        if (digits.IsEmpty) return false;
        var shift = char.ToLowerInvariant(digits[^1]) switch { 'k' => 10, 'm' => 20, 'g' => 30, 't' => 40, _ => 0 };
        if (shift != 0) digits = digits[..^1];
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return false;
        if (count > long.MaxValue >> shift) return false;
        size = new ByteSize(count << shift);
        return true;
    }

    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    public static ByteSize operator +(ByteSize left, ByteSize right) => new(checked(left.Bytes + right.Bytes));

    /// <summary>For people: <c>64 MiB</c>, <c>1.5 KiB</c>, <c>12 B</c>.</summary>
    public override string ToString()
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = Bytes;
        var unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {units[unit]}");
    }
}
