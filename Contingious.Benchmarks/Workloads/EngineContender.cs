using Contingious.Engine.Model;

namespace Contingious.Benchmarks.Workloads;

/// <summary>Our engine, which is in another process (<see cref="EngineWorker"/>): this one is outside of the keeper, as podman has to be.</summary>
/// <param name="name">As the report has it.</param>
/// <param name="worker">That process.</param>
/// <param name="images">What images' names begin with.</param>
internal sealed class EngineContender(string name, EngineWorkerClient worker, string images) : IWorkloadContender
{
    public string Name => name;

    /// <summary>Where the files of its jobs lie.</summary>
    public DiskBackend Disk { get; init; } = DiskBackend.Tmpfs;

    /// <summary>Whether the command is the job's own step, as an autograder's is, and not a further one in a container that runs already.</summary>
    public bool IsStep { get; init; }

    public Func<Workload, bool> Where { get; init; } = _ => true;

    public bool Takes(Workload workload) => Where(workload);

    public Task<WorkloadSample> RunAsync(Workload workload) =>
        worker.RunAsync(new EngineOrder(Disk, IsStep, $"{images}{workload.Image}", workload.Args));
}
