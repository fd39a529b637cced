using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// Writes a layer down while it is unpacked, so that it need not be again: every file of it gets a second name, and every entry a record
/// (<see cref="LayerLog"/>). Nothing is copied.
/// </summary>
internal sealed class LayerRecorder : IDisposable
{
    private readonly DirectoryHandle files;
    private readonly LayerLogWriter log;
    private DirectoryHandle? shard;
    private long count;

    /// <param name="directory">An empty directory on the rootfs's file system.</param>
    /// <param name="owners">Whose ids the files belong to.</param>
    public LayerRecorder(DirectoryHandle directory, string owners)
    {
        directory.CreateDirectory("files"u8, 0x1C0 /* 0700 */);
        files = directory.OpenDirectory("files"u8);
        log = new LayerLogWriter(new FileStream(directory.CreateFile("entries"u8, 0x180 /* 0600 */), FileAccess.Write, bufferSize: 0), owners);
    }

    /// <summary>Whether everything could be kept. Not where the file system gives a file one name only.</summary>
    public bool IsComplete { get; private set; }

    private bool isGivenUp;

    /// <summary>Keeps a file that the current entry made.</summary>
    /// <returns>Its number.</returns>
    public long? Keep(DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        if (isGivenUp) return null;
        if (count % LayerLog.FilesInShard == 0) NextShard();
        if (shard is null || shard.TryCreateHardLink(parent, name, LayerLog.Number(count)) != Errno.None)
        {
            isGivenUp = true;
            return null;
        }

        return count++;
    }

    public void Append(TarEntry entry, long? file, IReadOnlyList<RefusedXattr> refused)
    {
        if (!isGivenUp) log.Append(new LoggedEntry(entry, file, refused));
    }

    /// <summary>The layer is unpacked, and is the one that its diff id names.</summary>
    public void Complete()
    {
        if (isGivenUp) return;
        log.Complete();
        IsComplete = true;
    }

    public void Dispose()
    {
        log.Dispose();
        shard?.Dispose();
        files.Dispose();
    }

    private void NextShard()
    {
        shard?.Dispose();
        var name = LayerLog.Number(count / LayerLog.FilesInShard);
        files.CreateDirectory(name, 0x1C0 /* 0700 */);
        shard = files.OpenDirectory(name);
    }
}
