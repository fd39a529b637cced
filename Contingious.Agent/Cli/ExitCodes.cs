using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>The exit codes of the command line, those of docker run, timeout(1) and shells.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The command line itself was wrong.</summary>
    public const int Usage = 2;

    /// <summary>A time limit ended the program.</summary>
    public const int TimeLimit = 124;

    /// <summary>The fault is not the program's.</summary>
    public const int Ours = 125;

    private const int SignalBase = 128;
    private const int SigKill = 9;

    /// <summary>The program's own code; 128+n for a signal; 124 for a time limit; 125 where the program was not judged.</summary>
    public static int Of(RunReport report) => report.Outcome switch
    {
        Outcome.Ok => Ok,
        Outcome.CpuTimeLimit or Outcome.WallTimeLimit => TimeLimit,
        Outcome.NonZeroExit or Outcome.Signalled or Outcome.DiskLimit => OfLast(report) is { } step ? step.ExitCode ?? (SignalBase + step.Signal ?? 1) : 1,
        Outcome.MemoryLimit or Outcome.OutputLimit or Outcome.Cancelled => SignalBase + SigKill,
        Outcome.RejectedSpec or Outcome.ImageUnavailable or Outcome.InternalError or Outcome.AgentLost or Outcome.Expired => Ours,
        _ => throw new ArgumentOutOfRangeException(nameof(report), report.Outcome, "Not an outcome."),
    };

    private static StepReport? OfLast(RunReport report) => report.Steps.Count > 0 ? report.Steps[^1] : null;
}
