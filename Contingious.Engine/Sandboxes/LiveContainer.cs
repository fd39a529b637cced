using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>The container that a live sandbox runs now, as seen by somebody who does not own it.</summary>
internal sealed class LiveContainer
{
    /// <summary>The cgroups of further commands begin with it: beside those of the steps, below the job's.</summary>
    public const string SessionPrefix = "exec-";

    private readonly HostLayout layout;
    private readonly Crun crun;
    private readonly Cgroup job;
    private readonly string sandbox;
    private readonly string step;

    private LiveContainer(HostLayout layout, Crun crun, Cgroup job, string sandbox, string step, int pid)
    {
        this.layout = layout;
        this.crun = crun;
        this.job = job;
        this.sandbox = sandbox;
        this.step = step;
        Pid = pid;
    }

    public string Id => $"{sandbox}-{step}";

    public int Pid { get; }

    /// <summary>Finds a sandbox's container: the last step of it whose first process lives. Nothing while there is none.</summary>
    public static LiveContainer? Find(HostLayout layout, CgroupV1 account, string sandbox)
    {
        var directory = $"{layout.SandboxesDirectory}/{sandbox}";
        if (!Directory.Exists(directory)) return null;
        var crun = new Crun(layout.CrunDirectory);
        foreach (var step in Directory.EnumerateDirectories(directory, "step-*").Select(path => Path.GetFileName(path)).OrderDescending())
        {
            if (crun.FindPid($"{sandbox}-{step}") is { } pid && ProcessIdentity.Of(pid) is not null)
            {
                return new LiveContainer(layout, crun, account.Child(sandbox), sandbox, step, pid);
            }
        }

        return null;
    }

    /// <summary>
    /// A further command in the container: the step's own privileges, spelled out in a process file, in a cgroup of its
    /// own beside the step's. It shares the job's limits, and its account is not the step's.
    /// </summary>
    public ProgramRequest Exec(IReadOnlyList<string> args, bool terminal, string session)
    {
        var directory = $"{layout.SandboxesDirectory}/{sandbox}/{step}";
        var processFile = $"{directory}/{SessionPrefix}{session}.json";
        WriteProcess($"{directory}/process.json", processFile, args, terminal);
        return crun.Exec(Id, processFile, terminal, job.CreateChild($"{SessionPrefix}{session}").JoinFiles, $"{directory}/{SessionPrefix}{session}.log");
    }

    private static void WriteProcess(string process, string processFile, IReadOnlyList<string> args, bool terminal)
    {
        using var spec = JsonDocument.Parse(File.ReadAllBytes(process));
        using var stream = File.Create(processFile);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        foreach (var property in spec.RootElement.EnumerateObject()) property.WriteTo(json);
        json.WriteBoolean("terminal", terminal);
        json.WriteStrings("args", args);
        json.WriteEndObject();
    }
}
