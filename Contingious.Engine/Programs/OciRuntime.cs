using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Programs;

/// <summary>
/// An OCI runtime, driven by its command line. Whatever it does with cgroups itself, the step's own is made by us, holds the limits and keeps the counters.
/// </summary>
/// <param name="stateDirectory">Its <c>--root</c>: a directory for each container that it knows.</param>
internal abstract class OciRuntime(string stateDirectory)
{
    // Each word is an argument of its own, never part of the script: $1… up to "--" are files to join, the rest the program.
    // The shell writes 0, which means the writer itself, and then becomes the program: no process is left between.
    // It is for a further command, whose caller wants to read what went wrong; a step's runtime is put into its place by the init (ContainerInit.Join).
    // Its streams are a terminal where one is named.
    private const string JoinForSession =
        "[ -z \"$1\" ] || exec <>\"$1\" >&0 2>&1; shift; " +
        "while [ \"$1\" != -- ]; do { echo 0 > \"$1\"; } 2>/dev/null || { " +
        "if [ -e \"$1\" ]; then echo \"contingious: this process may not join $1: enter the sandbox as whoever started it\" >&2; else echo 'contingious: the sandbox has ended' >&2; fi; exit 125; }; " +
        "shift; done; shift; exec \"$@\"";

    public static OciRuntime Of(RuntimeKind kind, HostLayout layout) => kind switch
    {
        RuntimeKind.Crun => new Crun(layout.CrunDirectory),
        RuntimeKind.Runc => new Runc(layout.RuncDirectory),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a runtime."),
    };

    /// <summary>As <see cref="Of"/>, for whoever starts many containers inside the keeper.</summary>
    public static OciRuntime InstalledOf(RuntimeKind kind, HostLayout layout) => kind == RuntimeKind.Crun ? new Crun(layout.CrunDirectory, InstalledCrun.In(layout)) : Of(kind, layout);

    /// <summary>Every runtime: an account's sandboxes need not all have been started with the same one.</summary>
    public static IReadOnlyList<OciRuntime> All(HostLayout layout) => [Of(RuntimeKind.Crun, layout), Of(RuntimeKind.Runc, layout)];

    /// <summary>What it is called: the program's name.</summary>
    public abstract string Name { get; }

    /// <summary>Processes of ours in a step's cgroup while its command runs.</summary>
    public abstract int OwnProcesses { get; }

    /// <summary>What a job's cgroup must have room for besides its steps: the runtime of one step, and of some further commands.</summary>
    /// <param name="sessions">How many further commands.</param>
    public abstract RuntimeRoom RoomBeside(int sessions);

    /// <summary>The <c>cgroupsPath</c> of a step's config.json; nothing where the runtime makes no cgroup.</summary>
    public abstract string? CgroupsPath(Cgroup job, string step);

    /// <summary>Makes the cgroups that the runtime needs for a step whose own is there.</summary>
    public abstract RuntimePlace Place(Cgroup job, Cgroup step, string name);

    /// <summary>Below which cgroup those of a step's further commands are made.</summary>
    public abstract Cgroup SessionsOf(Cgroup job, string step);

    /// <summary>Refuses what it cannot be used with.</summary>
    /// <param name="account">Below which cgroup those of the jobs are made.</param>
    /// <exception cref="HostNotReadyException">It cannot run containers on this host.</exception>
    public virtual void RequireUsable(Cgroup account)
    {
    }

    /// <summary>Whether it stands between a container and its streams, and may still pass something on when everything in it is dead.</summary>
    public abstract bool RelaysStreams { get; }

    /// <summary>Runs one container in the foreground.</summary>
    /// <param name="init">The containers' init.</param>
    /// <param name="container">The container's id.</param>
    /// <param name="bundle">The directory of its config.json.</param>
    /// <param name="joinFiles">The cgroup.procs files to join first.</param>
    /// <param name="gate">The FIFO at which it then waits.</param>
    /// <param name="log">Where it writes its own errors, so that they are never mistaken for the program's.</param>
    public ProgramRequest Run(string init, string container, string bundle, IReadOnlyList<string> joinFiles, string gate, string log) =>
        ContainerInit.Join(init, log, gate, joinFiles, [.. Command, .. Log(log), "run", "--bundle", bundle, container]) with { Env = Environment };

    /// <summary>The filter of system calls as the runtime compiled it for an earlier container, where it can be given to the next one; else the runtime compiles it again.</summary>
    public virtual ReadOnlyMemory<byte> CompiledFilter => default;

    /// <summary>Looks at a container that is ready for what the next one can do with.</summary>
    /// <param name="container">Its id.</param>
    public virtual void Learn(string container)
    {
    }

    /// <summary>What was learnt did not help.</summary>
    public virtual void Forget()
    {
    }

    /// <summary>Runs a further command in a container. It is described by a file: the bare form would drop no_new_privs.</summary>
    /// <param name="container">The container's id.</param>
    /// <param name="processFile">The command, as the runtime-spec's <c>process</c>.</param>
    /// <param name="cgroup">Its cgroup, one of those below <see cref="SessionsOf"/>; the runtime joins it first.</param>
    /// <param name="terminal">The path of a terminal that it is to run on; else it has the streams it is started with.</param>
    /// <param name="isChild">
    /// Whether it dies with the thread that started it. crun 1.8.1 spins for ever on a terminal that was hung up, where the command ignores that.
    /// </param>
    public ProgramRequest Exec(string container, string processFile, Cgroup cgroup, string? terminal, bool isChild) =>
        Request([
            "-c", JoinForSession, "join", terminal ?? "", .. cgroup.JoinFiles, "--",
            .. isChild ? ["setpriv", "--pdeathsig", "KILL", "--"] : Array.Empty<string>(),

            // With a terminal of its own it leaves the caller's. Without one nothing is left to the runtime, such as whether it leaves that session by itself:
            // who is in it can open its terminal as /dev/tty.
            .. isChild && terminal is null ? ["setsid"] : Array.Empty<string>(),
            .. Command, "exec", .. InCgroup(cgroup), .. terminal is null ? Array.Empty<string>() : ["--tty"], "--process", processFile, container,
        ]);

    /// <summary>Whether it still keeps state of a container, which it removes itself unless it was killed.</summary>
    public bool Knows(string container) => Directory.Exists(Path.Combine(stateDirectory, container));

    /// <summary>The containers that it keeps state of, by what their ids begin with.</summary>
    public IReadOnlyList<string> Containers(string prefix) =>
        Directory.Exists(stateDirectory) ? [.. Directory.EnumerateDirectories(stateDirectory, $"{prefix}*").Select(path => Path.GetFileName(path))] : [];

    /// <summary>A container's first process, from the runtime's own state file, whether it lives or not; nothing while there is none.</summary>
    public ProcessIdentity? FindProcess(string container)
    {
        try
        {
            return FirstProcess(JsonMembers.Of(File.ReadAllBytes(Path.Combine(stateDirectory, container, StateFile))));
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return null;
        }
    }

    public Task<ProgramResult> DeleteAsync(string container, CancellationToken cancellation) =>
        ProgramRunner.RunAsync(new ProgramRequest(Command[0], [.. Command.Skip(1), "delete", "--force", container]) { Env = Environment }, cancellation);

    /// <summary>What it wrote to its log: empty where it has nothing to complain about.</summary>
    public string ReadLog(string log)
    {
        try
        {
            return Complaint(File.ReadAllText(log).Trim());
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    /// <summary>The program with the options that every command of it has.</summary>
    protected abstract IReadOnlyList<string> Command { get; }

    protected virtual IReadOnlyDictionary<string, string> Environment => ProgramRunner.BareEnvironment;

    /// <summary>The file of a container's state directory that names its first process.</summary>
    protected abstract string StateFile { get; }

    protected string StateDirectory => stateDirectory;

    protected abstract ProcessIdentity FirstProcess(Dictionary<string, string> state);

    protected abstract IReadOnlyList<string> Log(string path);

    protected abstract IReadOnlyList<string> InCgroup(Cgroup session);

    /// <summary>What is a complaint of what is in its log.</summary>
    protected virtual string Complaint(string log) => log;

    private ProgramRequest Request(IReadOnlyList<string> args) => new("sh", args) { Env = Environment };
}

/// <summary>What a runtime takes of a job's cgroup.</summary>
internal readonly record struct RuntimeRoom(int Processes, ByteSize Memory);
