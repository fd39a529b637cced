using System.Globalization;
using System.Runtime.InteropServices;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>What was observed of one step, from which its outcome follows.</summary>
internal readonly record struct StepObservation
{
    /// <summary>How the command ended, in the kernel's word; nothing where the init could not say.</summary>
    public required InitReport? Ended { get; init; }

    /// <summary>Why the command was not started.</summary>
    public required InitReport? Failed { get; init; }

    public required Outcome? StoppedFor { get; init; }

    /// <summary>Whether it was stopped for what the job may use, not for what the step may.</summary>
    public required bool ByJob { get; init; }

    public required Limits JobLimits { get; init; }

    public required long OomKills { get; init; }

    public required long ForksRefused { get; init; }

    public required TimeSpan CpuTime { get; init; }

    public required TimeSpan WallTime { get; init; }

    public required long PeakMemoryBytes { get; init; }

    public required int PeakProcesses { get; init; }

    public StallTimes? Stalled { get; init; }

    public required long MemoryInFilesBytes { get; init; }

    public required DiskUse Disk { get; init; }

    public required DiskBackend DiskBackend { get; init; }

    public required bool DiskIsStrict { get; init; }

    public required long DiskWrittenBytes { get; init; }

    public required bool Attended { get; init; }
}

/// <summary>
/// Decides a step's outcome from the kernel's counters and from why we stopped it, in a fixed order of precedence:
/// cancelled, OOM kill, CPU time, wall time, output, disk, signal, exit code.
/// </summary>
internal static class Verdict
{
    private const int NotExecutable = 126;
    private const int NotFound = 127;
    private const int Killed = 9;

    public static StepReport Report(StepRequest step, in StepObservation seen, OutputCapture stdout, OutputCapture stderr)
    {
        var (exitCode, signal, cannotRun, field) = End(step, seen);
        var (outcome, message) = Judge(step, seen, stdout.Produced + stderr.Produced, exitCode, signal, cannotRun);
        var flags = (seen.OomKills > 0 ? EvidenceFlags.OomKilled : 0)
            | (seen.ForksRefused > 0 ? EvidenceFlags.ProcessLimitHit : 0)
            | (stdout.Truncated ? EvidenceFlags.StdoutTruncated : 0)
            | (stderr.Truncated ? EvidenceFlags.StderrTruncated : 0)
            | (seen.Disk.IsFull ? EvidenceFlags.DiskFull : 0)
            | (seen.DiskIsStrict ? 0 : EvidenceFlags.DiskNotStrict)
            | (seen.Ended is null && seen.Failed is null && seen.OomKills == 0 ? EvidenceFlags.Ambiguous : 0)
            | (seen.Attended ? EvidenceFlags.Attended : 0)
            | (seen.ByJob ? EvidenceFlags.JobBudget : 0)
            | (outcome == Outcome.WallTimeLimit && seen.CpuTime < seen.WallTime / 10 ? EvidenceFlags.Idle : 0);
        return new StepReport
        {
            Name = step.Name,
            Outcome = outcome,
            Message = message,
            Field = field,
            ExitCode = exitCode,
            Signal = signal,
            Stdout = stdout.Kept(),
            Stderr = stderr.Kept(),
            Usage = new Usage
            {
                CpuTime = seen.CpuTime,
                WallTime = seen.WallTime,
                PeakMemory = new ByteSize(seen.PeakMemoryBytes),
                PeakProcesses = seen.PeakProcesses,
                Stalled = seen.Stalled,
                DiskWritten = new ByteSize(seen.DiskWrittenBytes),
                StdoutBytes = stdout.Produced,
                StderrBytes = stderr.Produced,
            },
            Evidence = new Evidence
            {
                Flags = flags,
                OomKills = seen.OomKills,
                ForksRefused = seen.ForksRefused,
                DiskUsedBytes = seen.Disk.UsedBytes,
                DiskBackend = seen.DiskBackend,
                MemoryInFilesBytes = seen.MemoryInFilesBytes,
                StoppedFor = seen.StoppedFor,
            },
        };
    }

    /// <summary>What is wrong where a command cannot be started for a reason that is not its own.</summary>
    public static ContingiousException SetUpFault(StepRequest step, InitReport failed)
    {
        var why = Marshal.GetPInvokeErrorMessage(failed.Status);
        return failed.Stage == (int)InitStage.Limits
            ? new ContingiousException($"The limits of the step '{step.Name}' ({string.Join(", ", Rlimit.Of(step.Limits))}) cannot be set: {why}. One is above the hard limit that the agent itself was started with (ulimit -H); raise that, or lower the job's.")
            : new ContingiousException($"The container's init could not start the step '{step.Name}' ({(InitStage)failed.Stage}): {why}.");
    }

    private static (Outcome Outcome, string Message) Judge(StepRequest step, in StepObservation seen, long produced, int? exitCode, int? signal, string cannotRun)
    {
        var limits = step.Limits;
        if (seen.StoppedFor == Outcome.Cancelled) return (Outcome.Cancelled, "The job was cancelled.");
        if (seen.OomKills > 0)
        {
            var files = seen.MemoryInFilesBytes > limits.Memory.Bytes / 10 ? $" {new ByteSize(seen.MemoryInFilesBytes)} of it were files on the sandbox's disk, which is kept in memory." : "";
            return (Outcome.MemoryLimit, $"Stopped at the memory limit of {limits.Memory}: the kernel killed {seen.OomKills} process(es) of the step.{files}");
        }

        var limit = seen.ByJob ? seen.JobLimits : limits;
        var whose = seen.ByJob ? "that all steps of the job share" : "";
        if (seen.StoppedFor == Outcome.CpuTimeLimit || seen.CpuTime > limits.CpuTime)
        {
            return (Outcome.CpuTimeLimit, Format($"Used {seen.CpuTime.TotalSeconds:0.00} s of CPU time; the limit {whose}{(seen.ByJob ? " " : "")}is {limit.CpuTime.TotalSeconds:0.###} s."));
        }

        if (seen.StoppedFor == Outcome.WallTimeLimit || seen.WallTime > limits.WallTime)
        {
            return (Outcome.WallTimeLimit, Format($"Still running after {seen.WallTime.TotalSeconds:0.00} s; the limit {whose}{(seen.ByJob ? " " : "")}is {limit.WallTime.TotalSeconds:0.###} s."));
        }

        if (seen.StoppedFor == Outcome.OutputLimit || produced > limits.ProducedOutput.Bytes)
        {
            return (Outcome.OutputLimit, $"Produced {new ByteSize(produced)} of output; the limit {whose}{(seen.ByJob ? " " : "")}is {limit.ProducedOutput}.");
        }

        if (seen.StoppedFor == Outcome.DiskLimit || (seen.Disk.IsFull && exitCode != 0))
        {
            return (Outcome.DiskLimit, $"The disk limit is used up, in bytes ({seen.JobLimits.Disk}) or in files ({seen.JobLimits.Inodes:N0}){(seen.StoppedFor is null ? ", and the program failed" : "")}.");
        }

        if (cannotRun.Length > 0) return (Outcome.NonZeroExit, cannotRun);
        if (signal is { } number)
        {
            return (Outcome.Signalled, seen.Ended is null ? "The container was ended from inside before it could be said how the program did." : $"Ended by signal {number}{SignalName(number)}.");
        }

        return exitCode == 0 ? (Outcome.Ok, "") : (Outcome.NonZeroExit, $"Exited with {exitCode}.");
    }

    private static (int? ExitCode, int? Signal, string CannotRun, string Field) End(StepRequest step, in StepObservation seen)
    {
        if (seen.Failed is { } failed)
        {
            var program = step.Args.Count > 0 ? NativePath.Display(NativeText.Bytes(step.Args[0])) : "the image's command";
            var why = Marshal.GetPInvokeErrorMessage(failed.Status);
            return ((InitStage)failed.Stage, (Errno)failed.Status) switch
            {
                (InitStage.Directory, _) => (NotExecutable, null, $"The working directory cannot be entered: {why}.", "cwd"),
                (InitStage.Interpreter, _) => (NotFound, null, $"{program}: its interpreter, which its first line or its ELF header names, is not in the image.", "args[0]"),
                (_, Errno.ENOENT or Errno.ENOTDIR) => (NotFound, null, $"{program}: there is no such command in the image.", "args[0]"),
                (_, Errno.ENOEXEC) => (NotExecutable, null, $"{program}: is no program of this machine, and has no #! line that names one.", "args[0]"),
                _ => (NotExecutable, null, $"{program}: cannot be executed ({why}).", "args[0]"),
            };
        }

        if (seen.Ended is not { } ended) return (null, Killed, "", "");
        return ended.Stage == InitReport.Exited ? (ended.Status, null, "", "") : (null, ended.Status, "", "");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string SignalName(int number) => number switch
    {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        14 => " (SIGALRM)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU)",
        25 => " (SIGXFSZ: a file grew past its size limit)",
        31 => " (SIGSYS)",
        _ => "",
    };
}
