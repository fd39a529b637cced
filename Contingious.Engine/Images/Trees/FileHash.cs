using System.Buffers;
using System.Security.Cryptography;
using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Images.Trees;

/// <summary>
/// Walks trees and hashes what is in their files on all cores: entries come out in the order of the walk, and only so many files are open ahead of that.
/// </summary>
internal static class FileHash
{
    private const int Ahead = 128;
    private const int Piece = 256 << 10;

    /// <summary>Every entry as the listing has it, in order.</summary>
    public static async IAsyncEnumerable<MtreeEntry> EntriesAsync(IEnumerable<TreeEntry> walk, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var ahead = new Queue<Task<MtreeEntry>>(Ahead);
        try
        {
            foreach (var entry in walk)
            {
                ahead.Enqueue(Begin(entry, cancellation));
                if (ahead.Count == Ahead) yield return await ahead.Dequeue().ConfigureAwait(false);
            }

            while (ahead.Count > 0) yield return await ahead.Dequeue().ConfigureAwait(false);
        }
        finally
        {
            // Each closes its file, whether anybody waits for what comes of it or not.
            foreach (Task task in ahead) await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Task<MtreeEntry> Begin(TreeEntry entry, CancellationToken cancellation)
    {
        if (entry.Content is not { } content) return Task.FromResult(MtreeEntry.Of(entry, null));

        // Not given up before it began: it is what closes the file.
        return Task.Run(() =>
        {
            using (content)
            {
                cancellation.ThrowIfCancellationRequested();
                return MtreeEntry.Of(entry, Of(content, entry, cancellation));
            }
        }, CancellationToken.None);
    }

    private static Digest Of(SafeFileHandle file, TreeEntry entry, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(entry.Status.Size + 1, 1, Piece));
        try
        {
            using var hash = entry.Status.Size < buffer.Length ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var (offset, held) = (0L, 0);
            for (int read; (read = RandomAccess.Read(file, buffer.AsSpan(held), offset)) > 0;)
            {
                offset += read;
                if (hash is null)
                {
                    held += read;
                    if (held == buffer.Length) throw new ContingiousException($"{NativePath.Display(entry.Path)} grew while it was read: an image's trees are nobody's to write.");
                    continue;
                }

                cancellation.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, read);
            }

            return hash is null ? Digest.Of(buffer.AsSpan(0, held)) : Digest.FromHash(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
