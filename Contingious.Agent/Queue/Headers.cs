using System.Globalization;
using System.Text;

namespace Contingious.Agent.Queue;

/// <summary>Values of AMQP headers, which a sender may give any type.</summary>
internal static class Headers
{
    private const int MaxText = 256;

    /// <summary>Short text; nothing where it is something else, or long.</summary>
    public static string? Text(object? value) => value switch
    {
        byte[] { Length: > 0 and <= MaxText } bytes => Encoding.UTF8.GetString(bytes),
        string { Length: > 0 and <= MaxText } text => text,
        _ => null,
    };

    /// <summary>A number that counts; 0 where it is something else.</summary>
    public static int Count(object? value) => (int)Math.Clamp(Number(value) ?? 0, 0, int.MaxValue);

    public static long? Number(object? value) => value switch
    {
        long number => number,
        int number => number,
        short number => number,
        sbyte number => number,
        byte number => number,
        ushort number => number,
        uint number => number,
        byte[] or string => long.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null,
        _ => null,
    };
}
