using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Storage;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Engine;

/// <summary>What the operator of a host decides about all jobs.</summary>
public sealed record EngineOptions
{
    public static EngineOptions Default { get; } = new();

    /// <summary>What runs the containers.</summary>
    public RuntimeKind Runtime { get; init; }

    /// <summary>What bounds a job's disk.</summary>
    public DiskPolicy Disk { get; init; } = new();

    /// <summary>Whether a job may ask for <see cref="NetworkMode.Internet"/>.</summary>
    public bool AllowInternet { get; init; }

    /// <summary>Directories of the host that a job may mount, with all that is below them.</summary>
    public IReadOnlyList<AllowedMount> Mounts { get; init; } = [];

    /// <summary>Whoever looks at rootfs's of jobs before their steps and after them; nobody does by default.</summary>
    public IRootfsObserver? Observer { get; init; }

    /// <summary>Where images are looked for: a directory at or below the account's own store, which is meant where nothing is said.</summary>
    public string? ImagesDirectory { get; init; }

    /// <summary>Where outputs go that are too large for a result; where there is no such store they are shortened or left out.</summary>
    public IBlobStore? Blobs { get; init; }

    /// <summary>What the contents of outputs may take of one result, together.</summary>
    public ByteSize InlineOutputs { get; init; } = OutputLimits.Default.TotalBytes;

    /// <summary>How many sandboxes are made ahead of their jobs: none unless somebody wants that, since they stay until the engine is disposed.</summary>
    public PoolOptions Pool { get; init; } = PoolOptions.Off;

    /// <summary>Told each stage of each job right before it begins: the tests' way to be there at that moment.</summary>
    internal Action<Stage>? Entering { get; init; }
}

/// <summary>A directory that jobs may mount.</summary>
/// <param name="Path">Absolute, without links in it.</param>
/// <param name="Writable">Whether they may mount it writable.</param>
public sealed record AllowedMount(string Path, bool Writable);
