using System.Security.Cryptography;
using Contingious.Engine.Images;

namespace Contingious.Engine.Model;

/// <summary>A file that was asked back.</summary>
/// <param name="Path">
/// As named inside the container, absolute, fit to be shown: a backslash, a byte that is not UTF-8 and a character that a
/// terminal obeys are <c>\xNN</c>. No two files have the same.
/// </param>
/// <param name="Status">Whether its content is here.</param>
/// <param name="Size">Its size in bytes, which is more than that of <paramref name="Content"/> where <see cref="Truncated"/>.</param>
/// <param name="Content">The bytes where <paramref name="Status"/> is <see cref="OutputStatus.Returned"/>, else none.</param>
public sealed record OutputFile(string Path, OutputStatus Status, long Size, ReadOnlyMemory<byte> Content)
{
    /// <summary>The name's own bytes, where they are not those of <see cref="Path"/> in UTF-8; else empty.</summary>
    public ReadOnlyMemory<byte> RawPath { get; init; }

    /// <summary>Whether the content is the beginning of the file only.</summary>
    public bool Truncated { get; init; }

    /// <summary>SHA-256 of <see cref="Content"/>, or of what is stored, 32 bytes; empty where neither is.</summary>
    public ReadOnlyMemory<byte> Sha256 { get; init; }

    /// <summary>Names the content in the store of blobs, where <see cref="Status"/> is <see cref="OutputStatus.Stored"/>.</summary>
    public Digest? Blob { get; init; }

    /// <summary>A file with its content, or with the beginning of it.</summary>
    public static OutputFile Returned(string path, long size, ReadOnlyMemory<byte> content) => new(path, OutputStatus.Returned, size, content)
    {
        Truncated = content.Length < size,
        Sha256 = SHA256.HashData(content.Span),
    };

    /// <summary>A file whose content, or the beginning of it, went into the store of blobs.</summary>
    /// <param name="path">As in the report.</param>
    /// <param name="size">The file's own size.</param>
    /// <param name="blob">The digest of what is stored.</param>
    /// <param name="stored">How many bytes are stored.</param>
    public static OutputFile StoredAs(string path, long size, Digest blob, long stored) => new(path, OutputStatus.Stored, size, default)
    {
        Truncated = stored < size,
        Sha256 = Convert.FromHexString(blob.Hex),
        Blob = blob,
    };

    /// <summary>The same file without its content.</summary>
    public OutputFile WithoutContent() => this with { Status = OutputStatus.TooLarge, Content = default, Truncated = false, Sha256 = default };
}

public enum OutputStatus
{
    Returned,

    /// <summary>The glob matched nothing; <see cref="OutputFile.Path"/> is the glob.</summary>
    Missing,

    /// <summary>A symlink, FIFO, socket, device or directory: never followed, never read.</summary>
    NotRegular,

    /// <summary>It did not fit into what the files before it left of <see cref="OutputLimits.TotalBytes"/>, or into the result's message.</summary>
    TooLarge,

    /// <summary>Its content is in the agent's store of blobs, under <see cref="OutputFile.Blob"/>.</summary>
    Stored,
}
