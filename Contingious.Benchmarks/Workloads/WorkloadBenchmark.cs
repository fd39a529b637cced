using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Benchmarks.Workloads;

/// <summary>Every workload in every contender, in turns. As root, outside of the keeper; <see cref="EngineWorker"/> is our part of it inside.</summary>
/// <param name="samples">Where samples go.</param>
/// <param name="rounds">Of what is cheap; of what is dear there are fewer (<see cref="Workload.Dearness"/>).</param>
internal sealed class WorkloadBenchmark(SampleFile samples, int rounds)
{
    private const int Least = 2;

    /// <param name="cli">The command <c>contingious</c>.</param>
    /// <param name="images">What images' names begin with.</param>
    /// <param name="tree">What the images have at <see cref="Workload.Place"/>, on the host.</param>
    /// <param name="native">A directory of the host in memory and one on a disk.</param>
    /// <param name="podman">The words that a podman command line begins with, by the name of the contender; none for one that does not work here.</param>
    public async Task RunAsync(string cli, string images, string tree, (string Memory, string Disk) native, IReadOnlyList<(string Name, string[] Words)> podman)
    {
        var worker = new EngineWorkerClient(cli);
        await using (worker.ConfigureAwait(false))
        {
            var overlays = $"{images}overlay-";
            IReadOnlyList<IWorkloadContender> contenders =
            [
                new EngineContender(Contenders.Ours, worker, images),
                new EngineContender(Contenders.Step, worker, images) { IsStep = true },
                new EngineContender(Contenders.Overlay, worker, overlays),
                new EngineContender(Contenders.OnDisk, worker, images) { Disk = DiskBackend.Watched, Where = workload => workload.IsWriting },
                new EngineContender(Contenders.OverlayOnDisk, worker, overlays) { Disk = DiskBackend.Watched, Where = workload => workload.IsWriting },
                .. podman.Select(one => new PodmanContender(one.Name, one.Words, images)),
                new NativeContender(Contenders.NativeInMemory, native.Memory, tree),
                new NativeContender(Contenders.NativeOnDisk, native.Disk, tree),
            ];
            foreach (var workload in Workload.All) await MeasureAsync(workload, [.. contenders.Where(contender => contender.Takes(workload))]).ConfigureAwait(false);
        }
    }

    private async Task MeasureAsync(Workload workload, IReadOnlyList<IWorkloadContender> contenders)
    {
        await Console.Error.WriteLineAsync(workload.Name).ConfigureAwait(false);
        var series = contenders.ToDictionary(contender => contender.Name, contender => new WorkloadSeries(workload.Name, contender.Name));

        // The first round brings the images' files into memory, and has overlays make what they lie over: it does not count.
        for (var round = 0; round <= Math.Max(Least, rounds / workload.Dearness); round++)
        {
            foreach (var contender in contenders)
            {
                var sample = await contender.RunAsync(workload).ConfigureAwait(false);
                if (round > 0) series[contender.Name].Add(sample, workload.IsTimedInside);
            }
        }

        samples.Append(series.Values.SelectMany(one => one.All));
    }
}
