using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>Makes a result fit into a message that the broker takes: outputs are left out first, the largest first, then streams are shortened.</summary>
internal static class ResultFit
{
    public static ReadOnlyMemory<byte> Encode(JobResult result, ByteSize most)
    {
        var encoded = JobResultCodec.Encode(result);
        var excess = encoded.Length - most.Bytes;
        if (excess <= 0) return encoded;
        var report = LeaveOutputsOut(result.Report, ref excess);
        if (excess > 0) report = report with { Steps = Shorten(report.Steps, excess) };
        return JobResultCodec.Encode(result with { Report = report });
    }

    private static RunReport LeaveOutputsOut(RunReport report, ref long excess)
    {
        var kept = report.Outputs.ToArray();
        var truncated = report.OutputsTruncated;
        foreach (var index in Enumerable.Range(0, kept.Length).OrderByDescending(i => kept[i].Content.Length))
        {
            if (excess <= 0 || kept[index].Content.IsEmpty) break;
            excess -= kept[index].Content.Length;
            kept[index] = kept[index].WithoutContent();
            truncated = true;
        }

        return report with { Outputs = kept, OutputsTruncated = truncated };
    }

    /// <summary>Every stream gets the same share of what is there; who has more keeps three quarters of it from its start and a quarter from its end.</summary>
    private static StepReport[] Shorten(IReadOnlyList<StepReport> steps, long excess)
    {
        var total = steps.Sum(step => (long)step.Stdout.Length + step.Stderr.Length);
        var share = (int)(Math.Max(0, total - excess) / Math.Max(1, 2 * steps.Count));
        return [.. steps.Select(step => Shorten(step, share))];
    }

    private static StepReport Shorten(StepReport step, int share)
    {
        var flags = step.Evidence.Flags;
        if (step.Stdout.Length > share) flags |= EvidenceFlags.StdoutTruncated;
        if (step.Stderr.Length > share) flags |= EvidenceFlags.StderrTruncated;
        return step with
        {
            Stdout = Shorten(step.Stdout, share),
            Stderr = Shorten(step.Stderr, share),
            Evidence = step.Evidence with { Flags = flags },
        };
    }

    private static ReadOnlyMemory<byte> Shorten(ReadOnlyMemory<byte> stream, int share)
    {
        if (stream.Length <= share) return stream;
        var tail = share / 4;
        var head = share - tail;
        return (byte[])[.. stream.Span[..head], .. stream.Span[^tail..]];
    }
}
