using System.Text.Json;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>The container that a live sandbox runs now, as seen by somebody who does not own it.</summary>
internal sealed class LiveContainer
{
    private readonly HostLayout layout;
    private readonly Crun crun;
    private readonly Cgroup cgroup;
    private readonly string sandbox;
    private readonly string step;

    private LiveContainer(HostLayout layout, Crun crun, Cgroup cgroup, string sandbox, string step, int pid)
    {
        this.layout = layout;
        this.crun = crun;
        this.cgroup = cgroup;
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
                return new LiveContainer(layout, crun, account.Child(sandbox).Child(step), sandbox, step, pid);
            }
        }

        return null;
    }

    /// <summary>
    /// A further command in the container: the step's own privileges, spelled out in a process file, in a cgroup of its
    /// own below the step's, so that both the step's limits and its own account hold.
    /// </summary>
    public ProgramRequest Exec(IReadOnlyList<string> args, bool terminal, string session)
    {
        var directory = $"{layout.SandboxesDirectory}/{sandbox}/{step}";
        var processFile = $"{directory}/exec-{session}.json";
        WriteProcess($"{directory}/config.json", processFile, args, terminal);
        return crun.Exec(Id, processFile, terminal, cgroup.CreateChild($"exec-{session}").JoinFiles, $"{directory}/exec-{session}.log");
    }

    private static void WriteProcess(string config, string processFile, IReadOnlyList<string> args, bool terminal)
    {
        using var spec = JsonDocument.Parse(File.ReadAllBytes(config));
        using var stream = File.Create(processFile);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        foreach (var property in spec.RootElement.GetProperty("process").EnumerateObject())
        {
            if (property.NameEquals("args") || property.NameEquals("terminal")) continue;
            property.WriteTo(json);
        }

        json.WriteBoolean("terminal", terminal);
        json.WriteStartArray("args");
        foreach (var arg in args) json.WriteStringValue(arg);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
