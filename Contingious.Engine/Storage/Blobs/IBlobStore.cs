using Contingious.Engine.Images;

namespace Contingious.Engine.Storage.Blobs;

/// <summary>Keeps outputs that are too large for a result, each under the digest of its content. Calls may come from several threads at once, and they block.</summary>
public interface IBlobStore
{
    /// <summary>The most that one blob may have.</summary>
    long MostBytesOfOne { get; }

    /// <summary>Keeps what a stream gives, to its end or to <paramref name="most"/>. It is never held in memory, and is there only when it is there whole.</summary>
    /// <param name="content">Read once, forward.</param>
    /// <param name="most">Bytes that are taken at most.</param>
    /// <returns>Nothing where there is no room for it.</returns>
    /// <exception cref="ContingiousException">The store does not work.</exception>
    StoredBlob? Put(Stream content, long most);

    /// <summary>Opens a blob for reading; nothing where it is not there, or no longer.</summary>
    Stream? TryOpen(Digest digest);

    /// <summary>What is there, the oldest first.</summary>
    IReadOnlyList<StoredBlob> List();

    /// <summary>Removes what is too old, what is too much, and what writers that died left behind.</summary>
    /// <param name="olderThan">Blobs that nobody stored after this time go too.</param>
    BlobPruning Prune(DateTimeOffset? olderThan = null);
}

/// <summary>A blob of a store.</summary>
/// <param name="Digest">Of its content.</param>
/// <param name="Bytes">How many it has.</param>
/// <param name="StoredAt">When somebody last stored that content.</param>
public sealed record StoredBlob(Digest Digest, long Bytes, DateTimeOffset StoredAt);

/// <summary>What went.</summary>
/// <param name="Removed">Blobs.</param>
/// <param name="Torn">How many unfinished files of dead writers.</param>
public sealed record BlobPruning(IReadOnlyList<StoredBlob> Removed, int Torn);
