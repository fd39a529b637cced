namespace Contingious.Benchmarks.Workloads;

/// <summary>Something that a workload is run in.</summary>
internal interface IWorkloadContender
{
    /// <summary>As the report has it.</summary>
    string Name { get; }

    /// <summary>Whether it has a part in a workload.</summary>
    bool Takes(Workload workload);

    /// <summary>Makes what is needed anew, runs the program, and takes away what was made; that last is not timed.</summary>
    /// <exception cref="Engine.ContingiousException">It failed; the message quotes what was said.</exception>
    Task<WorkloadSample> RunAsync(Workload workload);
}
