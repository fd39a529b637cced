using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>The container that a live sandbox runs now, as seen by somebody who does not own it.</summary>
internal sealed class LiveContainer
{
    private readonly HostLayout layout;
    private readonly OciRuntime runtime;
    private readonly Cgroup job;
    private readonly string sandbox;
    private readonly string place;
    private readonly string step;
    private readonly ProcessIdentity first;

    private LiveContainer(HostLayout layout, OciRuntime runtime, Cgroup job, string sandbox, string place, string step, ProcessIdentity first)
    {
        this.layout = layout;
        this.runtime = runtime;
        this.job = job;
        this.sandbox = sandbox;
        this.place = place;
        this.step = step;
        this.first = first;
    }

    public string Id => $"{place}-{step}";

    public int Pid => first.Pid;

    /// <summary>Finds a sandbox's container: the last step of it whose first process lives. Nothing while there is none.</summary>
    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="job">The sandbox's cgroup.</param>
    /// <param name="sandbox">What the sandbox is called.</param>
    /// <param name="place">The name by which it was made.</param>
    public static LiveContainer? Find(HostLayout layout, Cgroup job, string sandbox, string place)
    {
        var directory = $"{layout.SandboxesDirectory}/{place}";
        var (runtimes, inside) = (OciRuntime.All(layout), OciRuntime.All(layout.Inside));
        foreach (var step in StepsIn(directory))
        {
            for (var i = 0; i < runtimes.Count; i++)
            {
                // A pid that was used again has another start time.
                if (runtimes[i].FindProcess($"{place}-{step}") is { IsAlive: true } first) return new LiveContainer(layout, inside[i], job, sandbox, place, step, first);
            }
        }

        return null;
    }

    /// <summary>Names of the steps' directories, the latest first.</summary>
    private static IReadOnlyList<string> StepsIn(string directory)
    {
        try
        {
            return [.. Directory.GetDirectories(directory, "step-*").Select(path => Path.GetFileName(path)).OrderByDescending(step => step.Length).ThenByDescending(step => step, StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>
    /// A further command in the container: the step's own privileges, spelled out in a process file, in a cgroup of its
    /// own beside the step's. It shares the job's limits, and its account is not the step's.
    /// </summary>
    /// <exception cref="ContingiousException">The sandbox has as many as it may have, or has ended.</exception>
    public async Task<LiveSession> ExecAsync(SessionRequest request, TimeProvider time, CancellationToken cancellation)
    {
        if (request.Args.FirstOrDefault(word => !NativeText.IsUtf8(word)) is { } other)
        {
            throw new ContingiousException($"The word {NativePath.Display(NativeText.Bytes(other))} is not UTF-8, and the runtime takes the words of a further command as JSON. In a shell inside, printf makes such bytes.");
        }

        var directory = $"{layout.SandboxesDirectory}/{place}";
        LiveSession session;
        try
        {
            session = await LiveSession.BeginAsync(sandbox, directory, runtime.SessionsOf(job, step), first, time, cancellation).ConfigureAwait(false);
        }
        catch (IOException error) when (IsGone(error))
        {
            throw Ended(error);
        }

        try
        {
            WriteProcess($"{directory}/{step}/process.json", session.ProcessFile, request.Args, request.TerminalPath is not null);
            session.Program = IntoKeeper(runtime.Exec(Id, session.ProcessFile[layout.KeeperRoot.Length..], session.Cgroup, request.TerminalPath, request.IsChild));

            // The runtime looks at both, too: this keeps what came to an end meanwhile from being its error.
            if (!first.IsAlive || layout.Keeper is { IsAlive: false }) throw Ended(null);
            if (request.IsChild) session.Dispose();
            return session;
        }
        catch (Exception error)
        {
            await session.EndAsync().ConfigureAwait(false);
            session.Dispose();
            if (error is not IOException missing || !IsGone(missing)) throw;
            if (!first.IsAlive) throw Ended(missing);
            throw new ContingiousException($"{sandbox} has not begun its step yet. Try again in a moment.", missing);
        }
    }

    private static bool IsGone(IOException error) => error is LinuxException { Errno: Errno.ENOENT } || CgroupFile.IsGone(error);

    private ContingiousException Ended(Exception? error) => new($"{sandbox} has ended.", error);

    private ProgramRequest IntoKeeper(ProgramRequest program) =>
        layout.Keeper is { } keeper ? program with { Program = "nsenter", Args = Keeper.WayInto(keeper, program.Program, program.Args) } : program;

    // What a terminal is called is said where the image does not; nothing of the caller's environment goes in.
    private static void WriteProcess(string process, string processFile, IReadOnlyList<string> args, bool terminal)
    {
        var members = JsonMembers.Of(File.ReadAllBytes(process));
        members["args"] = $"[{string.Join(',', args.Select(JsonMembers.Quoted))}]";
        members["terminal"] = terminal ? "true" : "false";
        if (terminal) members["env"] = WithTerminal(members["env"]);
        File.WriteAllText(processFile, $"{{{string.Join(',', members.Keys.Select(name => $"{JsonMembers.Quoted(name)}:{members[name]}"))}}}");
    }

    private static string WithTerminal(string env)
    {
        using var given = JsonDocument.Parse(env);
        var variables = given.RootElement.EnumerateArray().Select(entry => entry.GetString() ?? "").ToList();
        if (!variables.Any(entry => entry.StartsWith("TERM=", StringComparison.Ordinal))) variables.Add("TERM=xterm");
        return $"[{string.Join(',', variables.Select(JsonMembers.Quoted))}]";
    }
}
