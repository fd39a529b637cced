using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Programs;

/// <summary>
/// crun(1). It lives in the step's cgroup, and neither makes nor removes one (<c>--cgroup-manager=disabled</c>): docs/decisions/0001.
/// </summary>
/// <param name="stateDirectory">Its <c>--root</c>.</param>
/// <param name="program">Its path, or its name where the search path has it.</param>
internal sealed class Crun(string stateDirectory, string program = Crun.ProgramName) : OciRuntime(stateDirectory)
{
    /// <summary>Names a compiled filter in config.json (crun(1), since 0.19): compiling the profile takes crun a quarter of the time that it needs for a container.</summary>
    public const string FilterAnnotation = "run.oci.seccomp_bpf_data";

    public const string ProgramName = "crun";
    private const int InstructionSize = 8;
    private const int MostInstructions = 4096;

    private byte[] filter = [];
    private bool isForgotten;

    public override string Name => ProgramName;

    /// <summary>crun, which waits, and the container's init.</summary>
    public override int OwnProcesses => 2;

    /// <remarks>The container has the very streams that crun has.</remarks>
    public override bool RelaysStreams => false;

    /// <remarks>A container that has none after all is not used: its init looks (Native/init.c).</remarks>
    public override ReadOnlyMemory<byte> CompiledFilter => filter;

    public override RuntimeRoom RoomBeside(int sessions) => new(sessions, ByteSize.Zero);

    public override string? CgroupsPath(Cgroup job, string step) => null;

    public override RuntimePlace Place(Cgroup job, Cgroup step, string name) => new(step, step, start: null);

    public override Cgroup SessionsOf(Cgroup job, string step) => job;

    /// <summary>crun keeps the filter for further commands beside what it knows of the container: <c>seccomp.bpf</c>.</summary>
    public override void Learn(string container)
    {
        if (filter.Length > 0 || isForgotten) return;
        try
        {
            var compiled = File.ReadAllBytes($"{StateDirectory}/{container}/seccomp.bpf");
            if (compiled.Length is > 0 and <= MostInstructions * InstructionSize && compiled.Length % InstructionSize == 0) filter = compiled;
        }
        catch (IOException)
        {
            // A crun that keeps it elsewhere compiles it each time.
        }
    }

    public override void Forget() => (filter, isForgotten) = ([], true);

    protected override IReadOnlyList<string> Command => [program, "--root", StateDirectory, "--cgroup-manager=disabled"];

    protected override string StateFile => "status";

    protected override ProcessIdentity FirstProcess(Dictionary<string, string> state) =>
        new(JsonMembers.Int32(state, "pid"), JsonMembers.UInt64(state, "process-start-time"));

    protected override IReadOnlyList<string> Log(string path) => ["--log", $"file:{path}"];

    protected override IReadOnlyList<string> InCgroup(Cgroup session) => [];
}
