using System.Diagnostics;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Workloads;

/// <summary>The same program in a directory of the host, with no container: what the kernel and the file system take by themselves.</summary>
/// <param name="name">As the report has it.</param>
/// <param name="directory">An existing one with the large file in it.</param>
/// <param name="place">Where the host has what the images have at <see cref="Workload.Place"/>.</param>
internal sealed class NativeContender(string name, string directory, string place) : IWorkloadContender
{
    public string Name => name;

    public bool Takes(Workload workload) => workload.IsWriting;

    public async Task<WorkloadSample> RunAsync(Workload workload)
    {
        var own = Directory.CreateDirectory($"{directory}/run").FullName;
        var args = workload.Args.Select(word => word.Replace(Workload.Place, place, StringComparison.Ordinal).Replace(Workload.LargeFile, $"{directory}/large", StringComparison.Ordinal)).ToList();
        var begun = Stopwatch.GetTimestamp();
        var result = await ProgramRunner.RequireAsync(new ProgramRequest(args[0], args[1..]) { WorkingDirectory = own }, CancellationToken.None).ConfigureAwait(false);
        var total = Stopwatch.GetElapsedTime(begun);
        Directory.Delete(own, recursive: true);
        return new WorkloadSample(total, TimeSpan.Zero, result.StdoutText.Trim());
    }
}
