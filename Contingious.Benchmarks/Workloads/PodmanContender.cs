using System.Diagnostics;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Workloads;

/// <summary><c>podman create</c>, <c>podman start</c> and <c>podman exec</c>.</summary>
/// <param name="name">As the report has it.</param>
/// <param name="words">What every command line begins with, up to the verb.</param>
/// <param name="images">What images' names begin with.</param>
internal sealed class PodmanContender(string name, IReadOnlyList<string> words, string images) : IWorkloadContender
{
    public string Name => name;

    public bool Takes(Workload workload) => true;

    public async Task<WorkloadSample> RunAsync(Workload workload)
    {
        var begun = Stopwatch.GetTimestamp();
        var container = await PodmanAsync("create", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", $"{images}{workload.Image}", "sleep", "infinity").ConfigureAwait(false);
        try
        {
            _ = await PodmanAsync("start", container).ConfigureAwait(false);
            var started = Stopwatch.GetElapsedTime(begun);
            var said = await PodmanAsync(["exec", container, .. workload.Args]).ConfigureAwait(false);
            return new WorkloadSample(Stopwatch.GetElapsedTime(begun), started, said);
        }
        finally
        {
            _ = await PodmanAsync("rm", "-f", "-t", "0", container).ConfigureAwait(false);
        }
    }

    private async Task<string> PodmanAsync(params string[] args) =>
        (await ProgramRunner.RequireAsync(new ProgramRequest(words[0], [.. words.Skip(1), .. args]), CancellationToken.None).ConfigureAwait(false)).StdoutText.Trim();
}
