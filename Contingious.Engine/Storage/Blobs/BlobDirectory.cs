using System.Buffers;
using System.Security.Cryptography;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Storage.Blobs;

/// <summary>
/// Blobs as files of a directory: <c>sha256/ab/cdef…</c>. A blob is written to <c>staging/</c>, brought to disk, and gets its name by one
/// rename, so that whoever finds a name finds all of the content. Several processes may use one directory: what has to be
/// done by one at a time is done under the lock of the file <c>lock</c>, and a writer's staged file is locked for as long as it lives.
/// </summary>
/// <param name="options">Where, how much, and for how long.</param>
/// <param name="time">For the age of blobs.</param>
public sealed class BlobDirectory(BlobOptions options, TimeProvider time) : IBlobStore
{
    private const int BufferSize = 128 << 10;

    // The account, and the group that the operator lets read.
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private readonly string staging = $"{options.Directory}/staging";
    private readonly string lockFile = $"{options.Directory}/lock";
    private readonly BlobListing listing = new($"{options.Directory}/sha256");

    public long MostBytesOfOne => options.MostOfOneJob.Bytes;

    public StoredBlob? Put(Stream content, long most)
    {
        try
        {
            MakeDirectories();
            return PutStaged(content, Math.Min(most, MostBytesOfOne));
        }
        catch (IOException error) when (IsFull(error))
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw new ContingiousException($"The directory of blobs {options.Directory} cannot be written to: {error.Message} It must be the account's own, or not be configured.", error);
        }
    }

    public Stream? TryOpen(Digest digest)
    {
        try
        {
            return new FileStream(listing.PathOf(digest), System.IO.FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public IReadOnlyList<StoredBlob> List() => listing.OldestFirst();

    public BlobPruning Prune(DateTimeOffset? olderThan = null)
    {
        if (!Directory.Exists(options.Directory)) return new BlobPruning([], 0);
        MakeDirectories();
        using var held = HoldLock();
        var tooOld = time.GetUtcNow() - options.Keep;
        return new BlobPruning(MakeRoom(0, olderThan > tooOld ? olderThan.Value : tooOld), SweepStaging());
    }

    private StoredBlob? PutStaged(Stream content, long most)
    {
        var path = $"{staging}/{Guid.NewGuid():N}";
        using var staged = Stage(path);
        try
        {
            var (digest, length) = Copy(content, staged.SafeFileHandle, most);
            staged.Flush(flushToDisk: true);
            var target = listing.PathOf(digest);
            using var held = HoldLock();
            if (new FileInfo(target) is { Exists: true } there && there.Length == length)
            {
                // It is young again: nobody's result may name what is removed right away.
                File.SetLastWriteTimeUtc(target, time.GetUtcNow().UtcDateTime);
            }
            else
            {
                _ = MakeRoom(length, time.GetUtcNow() - options.Keep);
                Publish(path, target);
            }

            return new StoredBlob(digest, length, time.GetUtcNow());
        }
        finally
        {
            // Not there any more where it was published.
            File.Delete(path);
        }
    }

    /// <summary>Under the lock, so that no sweep finds the file before its own lock is taken. The kernel gives that back when the writer ends, however it ends.</summary>
    private FileStream Stage(string path)
    {
        using var held = HoldLock();
        var staged = new FileStream(path, new FileStreamOptions { Mode = System.IO.FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, UnixCreateMode = FileMode });
        File.SetUnixFileMode(staged.SafeFileHandle, FileMode);
        return staged;
    }

    /// <summary>Blocks of nothing but zeros become holes: a sparse file costs its time, not its size.</summary>
    private static (Digest Digest, long Length) Copy(Stream content, SafeFileHandle to, long most)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var length = 0L;
            while (length < most)
            {
                var read = content.Read(buffer, 0, (int)Math.Min(BufferSize, most - length));
                if (read == 0) break;
                var block = buffer.AsSpan(0, read);
                hash.AppendData(block);
                if (block.ContainsAnyExcept((byte)0)) RandomAccess.Write(to, block, length);
                length += read;
            }

            RandomAccess.SetLength(to, length);
            return (Digest.FromHash(hash.GetHashAndReset()), length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Publish(string path, string target)
    {
        var directory = Path.GetDirectoryName(target) ?? "/";
        if (!Directory.Exists(directory))
        {
            Make(directory);
            Sync(Path.GetDirectoryName(directory) ?? "/");
        }

        // Over one of another length, which a disk must have made of it.
        File.Move(path, target, overwrite: true);
        Sync(directory);
    }

    private List<StoredBlob> MakeRoom(long needed, DateTimeOffset tooOld)
    {
        var all = listing.OldestFirst();
        var total = all.Sum(blob => blob.Bytes) + needed;
        var removed = new List<StoredBlob>();
        foreach (var blob in all)
        {
            if (blob.StoredAt >= tooOld && total <= options.Most.Bytes) break;
            File.Delete(listing.PathOf(blob.Digest));
            total -= blob.Bytes;
            removed.Add(blob);
        }

        return removed;
    }

    private int SweepStaging()
    {
        var torn = 0;
        foreach (var path in Directory.EnumerateFiles(staging))
        {
            using var dead = FileLock.TryExclusive(path);
            if (dead is null) continue;
            File.Delete(path);
            torn++;
        }

        return torn;
    }

    private FileLock HoldLock() => FileLock.Exclusive(lockFile);

    private void MakeDirectories()
    {
        if (File.Exists(lockFile)) return;
        Make(options.Directory);
        Make(staging);
        Make($"{options.Directory}/sha256");
        FileLock.TryClaim(lockFile)?.Dispose();
    }

    private static void Make(string directory)
    {
        if (Directory.Exists(directory)) return;
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, DirectoryMode);
    }

    private static void Sync(string directory)
    {
        using var handle = DirectoryHandle.Open(directory);
        RandomAccess.FlushToDisk(handle.Handle);
    }

    // ENOSPC and EDQUOT, as .NET says them.
    private static bool IsFull(IOException error) => error.HResult is 28 or 122;
}
