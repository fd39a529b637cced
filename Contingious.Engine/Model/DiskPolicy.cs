namespace Contingious.Engine.Model;

/// <summary>How the place for a job's files is chosen.</summary>
public sealed record DiskPolicy
{
    private const int ShareOfMemory = 4;

    public static DiskPolicy Default { get; } = new();

    /// <summary>
    /// The one back end to use; nothing lets each job have a tmpfs where it is small enough, else a free quota slot that
    /// is large enough, else a watched directory.
    /// </summary>
    public DiskBackend? Backend { get; init; }

    /// <summary>
    /// The largest job (what its images bring and its disk limit together) that goes on a tmpfs by itself. A quarter of the
    /// memory that this process may use: the pages of a tmpfs are memory, charged to whoever writes them.
    /// </summary>
    public ByteSize TmpfsAtMost { get; init; } = new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / ShareOfMemory);
}
