using System.Text;
using System.Text.RegularExpressions;
using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>One line <c>says: stdout contains "…"</c>: of stdout, stderr, message or field; <c>is</c> or <c>contains</c>.</summary>
internal sealed partial record SaidRule(string Text, string What, bool IsWhole, byte[] Bytes)
{
    public static SaidRule Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match) throw new FormatException($"'{text}' is not of the form: stdout|stderr|message|field is|contains \"text\"");
        var bytes = QuotedBytes.Parse(match.Groups["quoted"].Value);
        var isWhole = match.Groups["how"].Value == "is";
        if (!isWhole && bytes.Length == 0) throw new FormatException("everything contains \"\"");
        return new SaidRule(text, match.Groups["what"].Value, isWhole, bytes);
    }

    public bool Holds(RunReport report, StepReport step) =>
        IsWhole ? Of(report, step).Span.SequenceEqual(Bytes) : Of(report, step).Span.IndexOf(Bytes) >= 0;

    public ReadOnlyMemory<byte> Of(RunReport report, StepReport step) => What switch
    {
        "stdout" => step.Stdout,
        "stderr" => step.Stderr,
        "message" => Encoding.UTF8.GetBytes(report.Message),
        _ => Encoding.UTF8.GetBytes(report.Field),
    };

    [GeneratedRegex("^(?<what>stdout|stderr|message|field) (?<how>is|contains) (?<quoted>\".*\")$")]
    private static partial Regex Form();
}
