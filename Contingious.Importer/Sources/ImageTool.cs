using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Importer.Sources;

/// <summary>buildah and skopeo, run so that they read and write nothing outside the staging directory but what they are told to.</summary>
internal static class ImageTool
{
    private const int QuotedLines = 12;

    /// <exception cref="HostNotReadyException">It is not installed; the message names the package.</exception>
    public static string Find(string program) => ProgramRunner.Find(program)
        ?? throw new HostNotReadyException($"The program {program} is not installed, and this source of images needs it. 'apt-get install {program}' installs it.");

    /// <exception cref="ContingiousException">It failed; the message quotes the end of what it said.</exception>
    public static async Task RunAsync(StagingArea staging, string program, IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var result = await ProgramRunner.RunAsync(new ProgramRequest(program, args) { Env = Environment(staging), WorkingDirectory = staging.Directory }, cancellation).ConfigureAwait(false);
        if (result.ExitCode == 0) return;
        var said = $"{result.StdoutText}\n{result.Complaint}".Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        throw new ContingiousException($"{Path.GetFileName(program)} exited with {result.ExitCode}: {string.Join(" | ", said.TakeLast(QuotedLines))}");
    }

    private static Dictionary<string, string> Environment(StagingArea staging) => new(ProgramRunner.BareEnvironment)
    {
        ["HOME"] = staging.TemporaryDirectory,
        ["TMPDIR"] = staging.TemporaryDirectory,
        ["XDG_RUNTIME_DIR"] = staging.TemporaryDirectory,
        ["CONTAINERS_STORAGE_CONF"] = staging.StorageFile,
    };
}
