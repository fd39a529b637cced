using System.Text.Json;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Programs;

/// <summary>
/// crun(1). It lives in the step's cgroup, and neither makes nor removes one (<c>--cgroup-manager=disabled</c>): docs/decisions/0001.
/// </summary>
internal sealed class Crun(string stateDirectory) : OciRuntime(stateDirectory)
{
    public override string Name => "crun";

    /// <summary>crun, which waits, and the container's init.</summary>
    public override int OwnProcesses => 2;

    /// <remarks>The container has the very streams that crun has.</remarks>
    public override bool RelaysStreams => false;

    public override RuntimeRoom RoomBeside(int sessions) => new(sessions, ByteSize.Zero);

    public override string? CgroupsPath(Cgroup job, string step) => null;

    public override RuntimePlace Place(Cgroup job, Cgroup step, string name) => new(step, step, start: null);

    public override Cgroup SessionsOf(Cgroup job, string step) => job;

    protected override IReadOnlyList<string> Command => ["crun", "--root", StateDirectory, "--cgroup-manager=disabled"];

    protected override string StateFile => "status";

    protected override ProcessIdentity FirstProcess(JsonElement state) =>
        new(state.GetProperty("pid").GetInt32(), state.GetProperty("process-start-time").GetUInt64());

    protected override IReadOnlyList<string> Log(string path) => ["--log", $"file:{path}"];

    protected override IReadOnlyList<string> InCgroup(Cgroup session) => [];
}
