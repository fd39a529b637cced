using System.CommandLine;
using System.Globalization;

namespace Contingious.Agent.Cli;

/// <summary><c>--older-than</c>: a whole number and <c>s</c>, <c>m</c>, <c>h</c>, <c>d</c> or <c>w</c>.</summary>
internal sealed class OlderThanOption : Option<TimeSpan?>
{
    public OlderThanOption(string description)
        : base("--older-than")
    {
        Description = description;
        HelpName = "DURATION";
        CustomParser = result =>
        {
            var text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
            if (TryParse(text) is { } value) return value;
            result.AddError($"--older-than: '{text}' is no time. Write it as 90m, 36h, 7d or 4w.");
            return null;
        };
    }

    private static TimeSpan? TryParse(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > 100_000) return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            'w' => TimeSpan.FromDays(7L * count),
            _ => null,
        };
    }
}
