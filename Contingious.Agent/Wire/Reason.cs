using System.Globalization;
using System.Runtime.CompilerServices;

namespace Contingious.Agent.Wire;

/// <summary>An interpolated sentence about what is wrong, of which nothing is formatted where nothing is wrong.</summary>
[InterpolatedStringHandler]
internal ref struct Reason
{
    private DefaultInterpolatedStringHandler text;

    public Reason(int literalLength, int formattedCount, bool isRight, out bool isNeeded)
    {
        isNeeded = !isRight;
        if (isNeeded) text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => text.AppendFormatted(value, format);

    public string ToText() => text.ToStringAndClear();
}
