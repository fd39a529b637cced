using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>What a program's label says of its fate.</summary>
internal sealed record Expectation
{
    /// <summary>The flags that a label speaks of: all of these that it does not name must be absent.</summary>
    private const EvidenceFlags Judged = EvidenceFlags.OomKilled | EvidenceFlags.ProcessLimitHit | EvidenceFlags.StdoutTruncated
        | EvidenceFlags.StderrTruncated | EvidenceFlags.Idle | EvidenceFlags.DiskFull | EvidenceFlags.Ambiguous
        | EvidenceFlags.DiskNotStrict | EvidenceFlags.Attended | EvidenceFlags.JobBudget;

    public required Outcome Outcome { get; init; }

    public int? ExitCode { get; init; }

    public int? Signal { get; init; }

    public EvidenceFlags Flags { get; init; }

    /// <summary>Flags that depend on what the kernel did first: either is right.</summary>
    public EvidenceFlags OptionalFlags { get; init; }

    public IReadOnlyList<SaidRule> Says { get; init; } = [];

    public IReadOnlyList<MeasuredRule> Measured { get; init; } = [];

    /// <summary>Reads <c>Signalled signal=9 flags=Idle,?DiskFull</c>.</summary>
    public static Expectation Parse(string text)
    {
        var words = text.Split(' ');
        var expectation = new Expectation { Outcome = Name<Outcome>(words[0]) };
        foreach (var word in words[1..])
        {
            expectation = word.Split('=') switch
            {
                ["exit", var code] => expectation with { ExitCode = ProgramHead.ParseCount(code) },
                ["signal", var number] => expectation with { Signal = ProgramHead.ParseCount(number) },
                ["flags", var flags] => WithFlags(expectation, flags.Split(',')),
                _ => throw new FormatException($"'{word}' is none of exit=N, signal=N, flags=NAME,?NAME"),
            };
        }

        return expectation.Outcome switch
        {
            Outcome.Ok when expectation is { ExitCode: not null } or { Signal: not null } => throw new FormatException("Ok says its exit code itself"),
            Outcome.NonZeroExit when expectation is not { ExitCode: > 0 and < 256, Signal: null } => throw new FormatException("NonZeroExit needs exit=N, from 1 to 255, and no signal"),
            Outcome.Signalled when expectation is not { Signal: > 0 and < 65, ExitCode: null } => throw new FormatException("Signalled needs signal=N, from 1 to 64, and no exit code"),
            Outcome.Ok => expectation with { ExitCode = 0 },
            _ => expectation,
        };
    }

    /// <summary>Everything that is not as the label says; nothing where the verdict is right.</summary>
    public IReadOnlyList<string> Compare(RunReport report)
    {
        if (report.Steps.Count != 1) return [$"{report.Steps.Count} steps were run: {report.Outcome}, {report.Field} {report.Message}"];
        var step = report.Steps[0];
        var wrong = new List<string>();
        if (report.Outcome != Outcome || step.Outcome != Outcome) wrong.Add($"{report.Outcome} in place of {Outcome}");
        if (report.Outcome.Blame() != BlameOf(Outcome)) wrong.Add($"blames {report.Outcome.Blame()} in place of {BlameOf(Outcome)}");

        // Where we ended it, who of its processes died first is not the label's matter.
        if ((ExitCode is not null || Signal is not null) && (step.ExitCode, step.Signal) != (ExitCode, Signal))
        {
            wrong.Add($"exit={step.ExitCode} signal={step.Signal} in place of exit={ExitCode} signal={Signal}");
        }

        var flags = step.Evidence.Flags & Judged & ~OptionalFlags;
        if (flags != Flags) wrong.Add($"flags {flags} in place of {Flags}");
        wrong.AddRange(Says.Where(rule => !rule.Holds(report, step)).Select(rule => $"not: {rule.Text}; it was {QuotedBytes.Show(rule.Of(report, step).Span)}"));
        wrong.AddRange(Measured.Where(rule => !rule.Holds(step)).Select(rule => $"not: {rule.Text}; it was {rule.Of(step)}"));
        if (wrong.Count > 0) wrong.Add($"{Seen(step)}; {step.Message}; stderr {QuotedBytes.Show(step.Stderr.Span)}");
        return wrong;
    }

    private static string Seen(StepReport step) =>
        $"[{step.Outcome} exit={step.ExitCode} signal={step.Signal} flags={step.Evidence.Flags} cpu={step.Usage.CpuTime.TotalMilliseconds:0} ms wall={step.Usage.WallTime.TotalMilliseconds:0} ms peak={step.Usage.PeakMemory} stopped for={step.Evidence.StoppedFor}]";

    private static Expectation WithFlags(Expectation expectation, string[] names)
    {
        foreach (var name in names)
        {
            expectation = name.StartsWith('?')
                ? expectation with { OptionalFlags = expectation.OptionalFlags | Name<EvidenceFlags>(name[1..]) }
                : expectation with { Flags = expectation.Flags | Name<EvidenceFlags>(name) };
        }

        return expectation;
    }

    private static Blame BlameOf(Outcome outcome) => outcome == Outcome.Ok ? Blame.None : Blame.Student;

    private static T Name<T>(string name)
        where T : struct, Enum => Enum.IsDefined(typeof(T), name) ? Enum.Parse<T>(name) : throw new FormatException($"'{name}' is none of {string.Join(", ", Enum.GetNames<T>())}");
}
