using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>What was observed of one step, from which its outcome follows.</summary>
internal readonly record struct StepObservation(
    int ExitCode, CgroupCounters Counters, TimeSpan WallTime, Outcome? StoppedFor, long DiskUsedBytes, bool DiskFull, long ProducedOutput);

/// <summary>
/// Decides a step's outcome from the kernel's counters and from why we stopped it, in a fixed order of precedence:
/// cancelled, OOM kill, CPU time, wall time, output, disk, signal, exit code.
/// </summary>
internal static class Verdict
{
    private const int NotExecutable = 126;
    private const int NotFound = 127;

    // The container's init, catatonit, exits 1 and writes this line when the command cannot be executed.
    private static ReadOnlySpan<byte> InitComplaint => "ERROR (catatonit:2): failed to exec pid1: "u8;

    public static StepReport Report(StepRequest step, in StepObservation seen, OutputCapture stdout, OutputCapture stderr)
    {
        var keptStderr = stderr.Kept();
        var (exitCode, signal, cannotExec) = Exit(seen.ExitCode, keptStderr.Span);
        var (outcome, message) = Judge(step, seen, exitCode, signal, cannotExec);
        var flags = (seen.Counters.OomKills > 0 ? EvidenceFlags.OomKilled : 0)
            | (seen.Counters.ForksRefused > 0 ? EvidenceFlags.ProcessLimitHit : 0)
            | (stdout.Truncated ? EvidenceFlags.StdoutTruncated : 0)
            | (stderr.Truncated ? EvidenceFlags.StderrTruncated : 0)
            | (seen.DiskFull ? EvidenceFlags.DiskFull : 0)
            | (signal is not null && seen.StoppedFor is null ? EvidenceFlags.Ambiguous : 0)
            | (outcome == Outcome.WallTimeLimit && seen.Counters.CpuTime < seen.WallTime / 10 ? EvidenceFlags.Idle : 0);
        return new StepReport
        {
            Name = step.Name,
            Outcome = outcome,
            Message = message,
            ExitCode = exitCode,
            Signal = signal,
            Stdout = stdout.Kept(),
            Stderr = keptStderr,
            Usage = new Usage
            {
                CpuTime = seen.Counters.CpuTime,
                WallTime = seen.WallTime,
                PeakMemory = new ByteSize(seen.Counters.PeakMemoryBytes),
                PeakProcesses = Math.Max(0, seen.Counters.PeakProcesses - StepRun.OwnProcesses),
                StdoutBytes = stdout.Produced,
                StderrBytes = stderr.Produced,
            },
            Evidence = new Evidence
            {
                Flags = flags,
                OomKills = seen.Counters.OomKills,
                ForksRefused = seen.Counters.ForksRefused,
                DiskUsedBytes = seen.DiskUsedBytes,
                StoppedFor = seen.StoppedFor,
            },
        };
    }

    private static (Outcome Outcome, string Message) Judge(StepRequest step, in StepObservation seen, int? exitCode, int? signal, string cannotExec)
    {
        var limits = step.Limits;
        if (seen.StoppedFor == Outcome.Cancelled) return (Outcome.Cancelled, "The job was cancelled.");
        if (seen.Counters.OomKills > 0)
        {
            return (Outcome.MemoryLimit, $"Stopped at the memory limit of {limits.Memory}: the kernel killed {seen.Counters.OomKills} process(es) of the step.");
        }

        if (seen.StoppedFor == Outcome.CpuTimeLimit || seen.Counters.CpuTime > limits.CpuTime)
        {
            return (Outcome.CpuTimeLimit, Format($"Used {seen.Counters.CpuTime.TotalSeconds:0.00} s of CPU time; the limit is {limits.CpuTime.TotalSeconds:0.###} s."));
        }

        if (seen.StoppedFor == Outcome.WallTimeLimit)
        {
            return (Outcome.WallTimeLimit, Format($"Still running after {seen.WallTime.TotalSeconds:0.00} s; the limit is {limits.WallTime.TotalSeconds:0.###} s."));
        }

        if (seen.StoppedFor == Outcome.OutputLimit)
        {
            return (Outcome.OutputLimit, $"Produced {new ByteSize(seen.ProducedOutput)} of output; the limit is {limits.ProducedOutput}.");
        }

        if (seen.DiskFull && exitCode != 0)
        {
            return (Outcome.DiskLimit, "The disk limit is used up, in bytes or in files, and the program failed.");
        }

        if (signal is { } number) return (Outcome.Signalled, $"Ended by signal {number}{SignalName(number)}.");
        if (cannotExec.Length > 0) return (Outcome.NonZeroExit, $"{step.Args.FirstOrDefault("the image's command")}: {cannotExec}.");
        return exitCode == 0 ? (Outcome.Ok, "") : (Outcome.NonZeroExit, $"Exited with {exitCode}.");
    }

    private static (int? ExitCode, int? Signal, string CannotExec) Exit(int status, ReadOnlySpan<byte> stderr)
    {
        if (status is > 128 and <= 128 + 64) return (null, status - 128, "");

        // A command that did run could print the same, but not as its only line by accident.
        var isInit = status == 1 && stderr.StartsWith(InitComplaint) && stderr.IndexOf((byte)'\n') == stderr.Length - 1;
        if (!isInit) return (status, null, "");
        var why = Encoding.UTF8.GetString(stderr[InitComplaint.Length..]).Trim();
        return why.StartsWith("No such file", StringComparison.Ordinal)
            ? (NotFound, null, "there is no such command in the image, or its interpreter is missing")
            : (NotExecutable, null, $"cannot be executed ({why})");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string SignalName(int number) => number switch
    {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        25 => " (SIGXFSZ: a file grew past its size limit)",
        31 => " (SIGSYS)",
        _ => "",
    };
}
