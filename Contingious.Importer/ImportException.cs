using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Importer;

/// <summary>The steps of an import, in order. Progress and errors use these names.</summary>
public enum ImportStage
{
    Fetch = 1,
    Verify = 2,
    Unpack = 3,
    Split = 4,
    Publish = 5,
}

/// <summary>An import failed; nothing of it is left behind.</summary>
public sealed class ImportException(ImportStage stage, ImageReference image, Exception cause)
    : ContingiousException($"The image {image} was not imported. {stage}: {cause.Message}", cause)
{
    public ImportStage Stage { get; } = stage;
}

/// <summary>The image itself is wrong: malformed, not what its digests say, or against a limit.</summary>
public sealed class InvalidImageException(string message, Exception? cause = null) : ContingiousException(message, cause);
