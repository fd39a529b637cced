using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Agent.Runner;

/// <summary>Starts a runner that outlives whoever starts it: a session of its own, its streams a file, nothing of the caller's environment but what it needs.</summary>
internal static class RunnerStart
{
    private const long MostLog = 1 << 20;

    /// <summary>The runtime's own variables: where it is, and what an administrator told it. A runner has them as the agent does.</summary>
    private const string RuntimePrefix = "DOTNET_";

    /// <summary>Starts a runner of this very program. It listens a moment later.</summary>
    /// <param name="place">Where it writes.</param>
    /// <param name="home">The account's home directory.</param>
    /// <param name="id">What it is found by.</param>
    /// <param name="handover">Variables that give it the agent's configuration.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">It cannot be started.</exception>
    public static async Task StartAsync(RunnerPlace place, string home, string id, IReadOnlyDictionary<string, string> handover, CancellationToken cancellation)
    {
        var program = Environment.ProcessPath ?? throw new HostNotReadyException("The path of this program is unknown: is /proc mounted?");
        await StartAsync(place, home, [program, "runner", "--id", id, "--failure", place.FailureFile(id)], handover, cancellation).ConfigureAwait(false);
    }

    internal static async Task StartAsync(RunnerPlace place, string home, IReadOnlyList<string> command, IReadOnlyDictionary<string, string> handover, CancellationToken cancellation)
    {
        if (new FileInfo(place.LogFile) is { Exists: true, Length: > MostLog }) File.Move(place.LogFile, $"{place.LogFile}.1", overwrite: true);
        var env = new Dictionary<string, string>(ProgramRunner.BareEnvironment)
        {
            ["HOME"] = home,

            // It is there for hours and mostly waits: memory counts, not its peak speed.
            ["DOTNET_TieredPGO"] = "0",
            ["DOTNET_gcConcurrent"] = "0",
            ["DOTNET_GCConserveMemory"] = "5",
        };
        foreach (var (name, value) in ProcessImage.Environment())
        {
            if (name.StartsWith(RuntimePrefix, StringComparison.Ordinal)) env[name] = value;
        }

        foreach (var (name, value) in handover) env[name] = value;

        var request = new ProgramRequest("sh", ["-c", "log=$1; shift; setsid -f \"$@\" </dev/null >>\"$log\" 2>&1", "start", place.LogFile, .. command]) { Env = env };
        await ProgramRunner.RequireAsync(request, cancellation).ConfigureAwait(false);
    }
}
