using System.Text.Json;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Programs;

/// <summary>
/// runc(8), 1.1 and later. It always makes a cgroup, and it is a Go program whose threads and memory would not fit into a step's limits. So it runs beside the
/// step, and so does the container's first process until it waits for its order: then it is moved into the step's cgroup. docs/decisions/0015.
/// </summary>
internal sealed class Runc(string stateDirectory) : OciRuntime(stateDirectory)
{
    /// <summary>Where runc looks for cgroup v2, whatever is mounted elsewhere (libcontainer, fs2.UnifiedMountpoint).</summary>
    private const string CgroupMount = "/sys/fs/cgroup";

    private const string Beside = "runtime";
    private const int ThreadsOfRun = 48;
    private const int ThreadsOfExec = 24;
    private static readonly ByteSize memoryOfRun = ByteSize.FromMiB(24);
    private static readonly ByteSize memoryOfExec = ByteSize.FromMiB(4);

    // Go would otherwise begin a thread for each CPU of the host.
    private static readonly Dictionary<string, string> environment = new(ProgramRunner.BareEnvironment) { ["GOMAXPROCS"] = "2" };

    public override string Name => "runc";

    /// <summary>The container's init.</summary>
    public override int OwnProcesses => 1;

    /// <remarks>Pipes of its own, where it is not detached.</remarks>
    public override bool RelaysStreams => true;

    public override RuntimeRoom RoomBeside(int sessions) => new(ThreadsOfRun + (sessions * ThreadsOfExec), new ByteSize(memoryOfRun.Bytes + (sessions * memoryOfExec.Bytes)));

    public override string? CgroupsPath(Cgroup job, string step) => DirectoryOf(SessionsOf(job, step))[CgroupMount.Length..];

    // Not the place of both: the first one that runc's own threads are in could have no children with controllers.
    public override RuntimePlace Place(Cgroup job, Cgroup step, string name) =>
        new(step, job.CreateChild(Beside).CreateChild($"{name}-runc"), SessionsOf(job, name));

    public override Cgroup SessionsOf(Cgroup job, string step) => job.Child($"{Beside}/{step}");

    public override void RequireUsable(Cgroup account)
    {
        if (account is CgroupV1) throw new HostNotReadyException("The runtime runc is for hosts with cgroup v2 alone, and this one has v1: a verdict's counters would be runc's to remove. Use crun: set \"runtime\": \"crun\", or leave it out.");
        if (!DirectoryOf(account).StartsWith($"{CgroupMount}/", StringComparison.Ordinal)) throw new HostNotReadyException($"runc looks for cgroup v2 at {CgroupMount}, and on this host it is mounted elsewhere. Use crun: set \"runtime\": \"crun\", or leave it out.");
    }

    protected override IReadOnlyDictionary<string, string> Environment => environment;

    /// <remarks>Rootless means that a cgroup which it may not write is no error. It would find that out by itself, by being in a user namespace.</remarks>
    protected override IReadOnlyList<string> Command => ["runc", "--root", StateDirectory, "--rootless=true"];

    protected override string StateFile => "state.json";

    protected override ProcessIdentity FirstProcess(Dictionary<string, string> state) =>
        new(JsonMembers.Int32(state, "init_process_pid"), JsonMembers.UInt64(state, "init_process_start"));

    protected override IReadOnlyList<string> Log(string path) => ["--log", path, "--log-format", "json"];

    // Named below the container's own: else runc 1.4 puts the command where the container's init is, which is the step's.
    protected override IReadOnlyList<string> InCgroup(Cgroup session) => ["--cgroup", Path.GetFileName(session.Name)];

    /// <summary>Its log has warnings too, a line of JSON each. A line that is none is of the shell that was to become it.</summary>
    protected override string Complaint(string log) => string.Join('\n', log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Error).Where(error => error.Length > 0));

    private static string Error(string line)
    {
        try
        {
            using var entry = JsonDocument.Parse(line);
            var level = entry.RootElement.GetProperty("level").GetString();
            return level is "error" or "fatal" or "panic" ? entry.RootElement.GetProperty("msg").GetString() ?? "" : "";
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return line;
        }
    }

    private static string DirectoryOf(Cgroup cgroup) => Path.GetDirectoryName(cgroup.JoinFiles[0]) ?? "/";
}
