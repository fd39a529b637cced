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

    /// <summary>Codes and their meanings, for the manual.</summary>
    /// <param name="command">The words that name the command, such as <c>image ls</c>; none for the program itself.</param>
    public static IEnumerable<(string Code, string Meaning)> Documented(string command) => command switch
    {
        "run" or "submit" =>
        [
            ("0 to 123", "The program's own code; 2 also for a wrong command line."),
            ($"{TimeLimit}", "A time limit was met."),
            ($"{Ours}", "The program was not judged: no such image, the host is not ready, or a fault of contingious. The message says what to do."),
            ("126", "The program cannot be executed."),
            ("127", "There is no such program."),
            ($"{SignalBase} + n", $"Signal n ended the program; {SignalBase + SigKill} also where it met its memory or output limit."),
        ],
        "exec" =>
        [
            ("0 to 255", $"The command's own code; {SignalBase} + n where signal n ended it."),
            ($"{Usage}", "Also for a wrong command line."),
            ($"{Ours}", "Also where it could not be begun: no such sandbox, or the host is not ready. The message says what to do."),
            ($"{SignalBase + SigKill}", $"Also where the sandbox ended while it ran; {Ours} where a terminal is told so."),
            ("255", "Also where there is no such program, or it cannot be executed; the runtime says which."),
        ],
        "unshare" => [("0 to 255", "The command's own code."), ($"{Usage}", "Also for a wrong command line."), ($"{Ours}", "Also where it could not be run.")],
        "doctor" or "agent" or "broker setup" or "image verify" => [($"{Ok}", "Success."), ("1", "Something that was looked at is not as it must be; what is printed names it."), .. Faults],
        _ => [($"{Ok}", "Success."), .. Faults],
    };

    private static IEnumerable<(string Code, string Meaning)> Faults => [($"{Usage}", "The command line is wrong."), ($"{Ours}", "It could not be done; the message says why, and what to do.")];

    private static StepReport? OfLast(RunReport report) => report.Steps.Count > 0 ? report.Steps[^1] : null;
}
