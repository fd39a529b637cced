namespace Contingious.Engine.Model;

/// <summary>How much a job gets back of what its globs match. The defaults are also the most where no store takes larger ones; docs/wire.md has them.</summary>
public sealed record OutputLimits
{
    public static OutputLimits Default { get; } = new();

    /// <summary>Bytes of one file that are returned: of a larger one, its beginning.</summary>
    public ByteSize FileBytes { get; init; } = ByteSize.FromMiB(10);

    /// <summary>Bytes of all files together. One that does not fit into what is left is reported without its content.</summary>
    public ByteSize TotalBytes { get; init; } = ByteSize.FromMiB(12);

    /// <summary>Files that are reported, with their content or without.</summary>
    public int Files { get; init; } = 1_000;

    /// <summary>Directories that a path may go through, counted from the root of the container.</summary>
    public int Depth { get; init; } = 64;
}
