namespace Contingious.Importer.Splitting.Learning;

/// <summary>How a run wrote to a path.</summary>
internal enum WriteKind
{
    /// <summary>Something new is there, in the place of something of another kind or of nothing.</summary>
    Created,

    /// <summary>A regular file of the image was opened for writing, or got another owner or mode.</summary>
    Modified,

    Removed,

    /// <summary>A directory of the image got another owner or mode.</summary>
    Attributes,
}

/// <summary>What a run did to its rootfs.</summary>
/// <param name="Written">By path: everything that it needed to be writable. Of what was created, the topmost only.</param>
/// <param name="Changes">By path: what is there now and was not so in the image; nothing where it is gone.</param>
internal sealed record RunTrace(IReadOnlyDictionary<string, WriteKind> Written, IReadOnlyDictionary<string, FileState?> Changes);
