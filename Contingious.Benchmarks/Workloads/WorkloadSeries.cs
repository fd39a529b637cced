using System.Globalization;

namespace Contingious.Benchmarks.Workloads;

/// <summary>What one workload took one contender: as a whole, until the container ran, and by the program's own clock.</summary>
internal sealed class WorkloadSeries(string workload, string contender)
{
    public Series Total { get; } = new(NameOf(workload, contender, nameof(Total)));

    public Series Start { get; } = new(NameOf(workload, contender, nameof(Start)));

    public Series Inside { get; } = new(NameOf(workload, contender, nameof(Inside)));

    public IEnumerable<Series> All => [Total, Start, Inside];

    public static string NameOf(string workload, string contender, string part) => $"{workload}: {contender}: {part}";

    /// <param name="sample">One run.</param>
    /// <param name="isTimedInside">Whether what it printed is nanoseconds.</param>
    public void Add(WorkloadSample sample, bool isTimedInside)
    {
        Total.Add(sample.Total);
        if (sample.Start > TimeSpan.Zero) Start.Add(sample.Start);
        if (isTimedInside) Inside.Add(TimeSpan.FromMicroseconds(double.Parse(sample.Said, CultureInfo.InvariantCulture) / 1000));
    }
}
