namespace Contingious.Engine.Model;

/// <summary>The fate of a step or of a job. What a submission does is one of these values; it is never an exception.</summary>
public enum Outcome
{
    Ok,
    NonZeroExit,
    Signalled,
    CpuTimeLimit,
    WallTimeLimit,
    MemoryLimit,
    OutputLimit,
    DiskLimit,
    Cancelled,

    /// <summary>The job itself is wrong: its sender must mend it.</summary>
    RejectedSpec,

    /// <summary>No image of that name or digest is imported here.</summary>
    ImageUnavailable,

    /// <summary>The fault is this host's or this program's; the submission was not judged.</summary>
    InternalError,
    AgentLost,

    /// <summary>The job could not begin in the time that its sender gave it; the submission was not judged.</summary>
    Expired,
}

/// <summary>Who has to act on an outcome.</summary>
public enum Blame
{
    None,
    Student,
    Teacher,
    Infra,
}

/// <summary>What was seen besides the outcome.</summary>
[Flags]
public enum EvidenceFlags
{
    None = 0,

    /// <summary>The kernel's OOM killer killed a process of the step.</summary>
    OomKilled = 1 << 0,

    /// <summary>A fork or clone was refused because of <see cref="Limits.Processes"/>.</summary>
    ProcessLimitHit = 1 << 1,

    /// <summary>Part of standard output was dropped.</summary>
    StdoutTruncated = 1 << 2,

    /// <summary>Part of standard error was dropped.</summary>
    StderrTruncated = 1 << 3,

    /// <summary>The wall-clock limit was reached with little CPU time used: the program waited.</summary>
    Idle = 1 << 4,

    /// <summary>The job's disk was full, in bytes or in files, when the step ended.</summary>
    DiskFull = 1 << 5,

    /// <summary>The container ended before its init could say how the program did.</summary>
    Ambiguous = 1 << 6,

    /// <summary>The disk limit was watched and not held by the kernel: it can have been exceeded for a moment.</summary>
    DiskNotStrict = 1 << 7,

    /// <summary>Somebody ran further commands in the sandbox, which share the job's limits.</summary>
    Attended = 1 << 8,

    /// <summary>It was what the whole job may use that ran out, not what the step may.</summary>
    JobBudget = 1 << 9,
}

public static class OutcomeExtensions
{
    public static Blame Blame(this Outcome outcome) => outcome switch
    {
        Outcome.Ok => Model.Blame.None,
        Outcome.NonZeroExit or Outcome.Signalled or Outcome.CpuTimeLimit or Outcome.WallTimeLimit or Outcome.MemoryLimit
            or Outcome.OutputLimit or Outcome.DiskLimit or Outcome.Cancelled => Model.Blame.Student,
        Outcome.RejectedSpec or Outcome.ImageUnavailable => Model.Blame.Teacher,
        Outcome.InternalError or Outcome.AgentLost or Outcome.Expired => Model.Blame.Infra,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an outcome."),
    };
}
