using Contingious.Engine.Model;

namespace Contingious.Engine.Storage.Blobs;

/// <summary>A directory of blobs, as the operator of a host sets it up.</summary>
/// <param name="Directory">Absolute; made where it is missing, where its parent is the account's to write to.</param>
public sealed record BlobOptions(string Directory)
{
    /// <summary>All blobs together; the oldest go to make room.</summary>
    public ByteSize Most { get; init; } = ByteSize.FromGiB(10);

    /// <summary>How long a blob is kept after it was last stored.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(30);

    /// <summary>What the outputs of one job may have together, and so any one of them: an eighth of all, at most 1 GiB, so that one job cannot push out everybody else's.</summary>
    public ByteSize MostOfOneJob => new(Math.Min(ByteSize.FromGiB(1).Bytes, Most.Bytes / 8));

    /// <summary>The ceiling that follows for a job's output limits.</summary>
    public OutputLimits MostOutputs => OutputLimits.Default with
    {
        FileBytes = new ByteSize(Math.Max(OutputLimits.Default.FileBytes.Bytes, MostOfOneJob.Bytes)),
        TotalBytes = new ByteSize(Math.Max(OutputLimits.Default.TotalBytes.Bytes, MostOfOneJob.Bytes)),
    };
}
