using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Programs;

/// <summary>The OCI runtime, driven by its command line (crun(1)).</summary>
/// <param name="stateDirectory">crun's <c>--root</c>.</param>
internal sealed class Crun(string stateDirectory)
{
    // Each word is an argument of its own, never part of the script: $1… up to "--" are files to join, the rest the program.
    // The shell writes 0, which means the writer itself, and then becomes crun: no process is left between.
    internal const string JoinAndBecome =
        "log=$1; shift; while [ \"$1\" != -- ]; do echo 0 > \"$1\" || { echo \"cannot join $1\" > \"$log\"; exit 125; }; shift; done 2>/dev/null; shift; exec \"$@\"";

    /// <summary>
    /// <c>crun run</c> of one container, in the foreground, inside the cgroups named.
    /// crun neither makes nor removes a cgroup (<c>--cgroup-manager=disabled</c>): ours hold the limits and keep the counters.
    /// </summary>
    /// <param name="container">The container's id.</param>
    /// <param name="bundle">The directory of its config.json.</param>
    /// <param name="joinFiles">The cgroup.procs files to join first.</param>
    /// <param name="log">Where crun writes its own errors, so that they are never mistaken for the program's.</param>
    public ProgramRequest Run(string container, string bundle, IReadOnlyList<string> joinFiles, string log) =>
        new("sh", [
            "-c", JoinAndBecome, "join", log, .. joinFiles, "--",
            "crun", "--root", stateDirectory, "--cgroup-manager=disabled", "--log", $"file:{log}", "run", "--bundle", bundle, container,
        ]);

    // The same for a further command, whose caller wants to read what went wrong. Its streams are a terminal where one is named.
    private const string JoinForSession =
        "[ -z \"$1\" ] || exec <>\"$1\" >&0 2>&1; shift; " +
        "while [ \"$1\" != -- ]; do { echo 0 > \"$1\"; } 2>/dev/null || { echo 'contingious: the sandbox has ended' >&2; exit 125; }; shift; done; shift; exec \"$@\"";

    /// <summary>
    /// <c>crun exec</c> of a further command, inside the cgroups named. It is described by a file: the bare form would
    /// drop no_new_privs.
    /// </summary>
    /// <param name="container">The container's id.</param>
    /// <param name="processFile">The command, as the runtime-spec's <c>process</c>.</param>
    /// <param name="joinFiles">The cgroup.procs files to join first.</param>
    /// <param name="terminal">The path of a terminal that crun is to run on; else it has the streams it is started with.</param>
    /// <param name="isChild">
    /// Whether it dies with the thread that started it. crun 1.8.1 spins for ever on a terminal that was hung up, where the command ignores that.
    /// </param>
    public ProgramRequest Exec(string container, string processFile, IReadOnlyList<string> joinFiles, string? terminal, bool isChild) =>
        new("sh", [
            "-c", JoinForSession, "join", terminal ?? "", .. joinFiles, "--",
            .. isChild ? ["setpriv", "--pdeathsig", "KILL", "--"] : Array.Empty<string>(),
            "crun", "--root", stateDirectory, "--cgroup-manager=disabled", "exec", .. terminal is null ? Array.Empty<string>() : ["--tty"], "--process", processFile, container,
        ]);

    /// <summary>Whether crun still keeps state of a container, which it removes itself unless it was killed.</summary>
    public bool Knows(string container) => Directory.Exists(Path.Combine(stateDirectory, container));

    /// <summary>A container's first process, from crun's own state file, whether it lives or not; nothing while there is none.</summary>
    public ProcessIdentity? FindProcess(string container)
    {
        try
        {
            using var status = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(stateDirectory, container, "status")));
            return new ProcessIdentity(status.RootElement.GetProperty("pid").GetInt32(), status.RootElement.GetProperty("process-start-time").GetUInt64());
        }
        catch (Exception error) when (error is IOException or JsonException or KeyNotFoundException)
        {
            return null;
        }
    }

    public Task<ProgramResult> DeleteAsync(string container, CancellationToken cancellation) =>
        ProgramRunner.RunAsync(new ProgramRequest("crun", "--root", stateDirectory, "--cgroup-manager=disabled", "delete", "--force", container), cancellation);

    /// <summary>What crun wrote to its log: empty where it has nothing to complain about.</summary>
    public static string ReadLog(string log)
    {
        try
        {
            return File.ReadAllText(log).Trim();
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }
}
