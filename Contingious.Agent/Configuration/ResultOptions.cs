using Contingious.Engine.Model;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Agent.Configuration;

/// <summary>What an operator decides about results.</summary>
public sealed record ResultOptions
{
    /// <summary>What the files of a result may have in the message together; the rest is stored, or left out.</summary>
    public ByteSize Inline { get; init; } = OutputLimits.Default.TotalBytes;

    /// <summary>Where larger files are stored; nothing: nowhere.</summary>
    public BlobOptions? Blobs { get; init; }
}
