using System.Globalization;
using System.Text.RegularExpressions;
using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>
/// The labels at a program's head: comment lines of the form <c>key: value</c>, before the first line that is no comment.
/// Other comment lines are for people. README.md beside this file lists the keys.
/// </summary>
internal sealed partial record ProgramHead
{
    /// <summary>Roomy for what is to end by itself, also on a busy host.</summary>
    private static readonly Limits usual = Limits.Default with
    {
        CpuTime = TimeSpan.FromSeconds(20),
        WallTime = TimeSpan.FromSeconds(60),
        Memory = ByteSize.FromMiB(64),
        Disk = ByteSize.FromMiB(16),
        Inodes = 500,
    };

    public required Expectation Expectation { get; init; }

    public Limits Limits { get; private set; } = usual;

    /// <summary>Program and arguments, where they are not the usual ones of the language.</summary>
    public string[]? Run { get; private set; }

    public ReadOnlyMemory<byte> Stdin { get; private set; }

    public bool SentExecutable { get; private set; }

    public bool SentWithCrLf { get; private set; }

    /// <exception cref="FormatException">A line is not as it must be; says which and why.</exception>
    public static ProgramHead Parse(string file, string text, string comment)
    {
        var seen = new HashSet<string>();
        Expectation? expectation = null;
        var says = new List<SaidRule>();
        var measured = new List<MeasuredRule>();
        var head = new ProgramHead { Expectation = null! };
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (number == 1 && line.StartsWith("#!", StringComparison.Ordinal)) continue;
            if (!line.StartsWith(comment, StringComparison.Ordinal)) break;
            var content = line[comment.Length..].Trim();
            if (KeyAndValue().Match(content) is not { Success: true } match) continue;
            var (key, value) = (match.Groups["key"].Value, match.Groups["value"].Value.Trim());
            try
            {
                if (!seen.Add(key) && key is not ("says" or "measured")) throw new FormatException($"'{key}' is there twice");
                switch (key)
                {
                    case "expect": expectation = Expectation.Parse(value); break;
                    case "says": says.Add(SaidRule.Parse(value)); break;
                    case "measured": measured.AddRange(value.Split(' ').Select(MeasuredRule.Parse)); break;
                    case "limits": head.Limits = ParseLimits(value); break;
                    case "run": head.Run = value.Split(' '); break;
                    case "stdin": head.Stdin = ParseStdin(value); break;
                    case "sent": head.ParseSent(value); break;
                    default: throw new FormatException($"'{key}' is no key; those are: expect, limits, says, measured, run, stdin, sent");
                }
            }
            catch (FormatException error)
            {
                throw new FormatException($"{file}:{number}: {error.Message}.", error);
            }
        }

        if (expectation is null) throw new FormatException($"{file}: the head has no line '{comment} expect: …'.");
        return head with { Expectation = expectation with { Says = says, Measured = measured } };
    }

    /// <summary>Reads <c>300ms</c> and <c>2s</c>.</summary>
    public static TimeSpan ParseTime(string text)
    {
        if (TimeText().Match(text) is not { Success: true } match) throw new FormatException($"'{text}' is no time: 300ms or 2s");
        var count = int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture);
        return match.Groups["unit"].Value == "ms" ? TimeSpan.FromMilliseconds(count) : TimeSpan.FromSeconds(count);
    }

    public static ByteSize ParseSize(string text) => ByteSize.TryParse(text, out var size) ? size : throw new FormatException($"'{text}' is no size: 4096, 64k, 16m");

    public static int ParseCount(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new FormatException($"'{text}' is no number");

    private static Limits ParseLimits(string text)
    {
        var limits = usual;
        foreach (var word in text.Split(' '))
        {
            if (word.Split('=') is not [var name, var value]) throw new FormatException($"'{word}' is not of the form name=value");
            limits = name switch
            {
                "cpu" => limits with { CpuTime = ParseTime(value) },
                "wall" => limits with { WallTime = ParseTime(value) },
                "memory" => limits with { Memory = ParseSize(value) },
                "processes" => limits with { Processes = ParseCount(value) },
                "cpus" => limits with { Cpus = ParseCount(value) },
                "disk" => limits with { Disk = ParseSize(value) },
                "inodes" => limits with { Inodes = ParseCount(value) },
                "file" => limits with { FileSize = ParseSize(value) },
                "files" => limits with { OpenFiles = ParseCount(value) },
                "stack" => limits with { Stack = ParseSize(value) },
                "stdout" => limits with { Stdout = ParseSize(value) },
                "stderr" => limits with { Stderr = ParseSize(value) },
                "output" => limits with { ProducedOutput = ParseSize(value) },
                _ => throw new FormatException($"'{name}' is no limit; those are: cpu, wall, memory, processes, cpus, disk, inodes, file, files, stack, stdout, stderr, output"),
            };
        }

        return limits;
    }

    private static byte[] ParseStdin(string text)
    {
        if (Repeated().Match(text) is not { Success: true } match) return QuotedBytes.Parse(text);
        var unit = QuotedBytes.Parse(match.Groups["text"].Value);
        if (unit.Length != 1) throw new FormatException("what is repeated must be one byte");
        var bytes = new byte[ParseSize(match.Groups["size"].Value).Bytes];
        bytes.AsSpan().Fill(unit[0]);
        return bytes;
    }

    private void ParseSent(string text)
    {
        foreach (var word in text.Split(' '))
        {
            switch (word)
            {
                case "plain": break;
                case "executable": SentExecutable = true; break;
                case "crlf": SentWithCrLf = true; break;
                default: throw new FormatException($"'{word}' is none of plain, executable, crlf");
            }
        }
    }

    // Any one word and a colon, so that a mistyped key is no comment.
    [GeneratedRegex("^(?<key>[A-Za-z]+) ?:(?<value>.*)$")]
    private static partial Regex KeyAndValue();

    [GeneratedRegex("^(?<count>[0-9]+)(?<unit>ms|s)$")]
    private static partial Regex TimeText();

    [GeneratedRegex("^(?<size>[0-9]+[kmg]?) of (?<text>\".*\")$")]
    private static partial Regex Repeated();
}
