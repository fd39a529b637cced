using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>A layer that comes out of the layer store: its entries from the log, its files by one more name, or by a copy where they cannot have it.</summary>
internal sealed class StoredLayer : ILayerEntries, IDisposable
{
    private readonly LayerLease lease;
    private readonly EntryAttributes attributes;
    private readonly DirectoryHandle directory;
    private readonly LayerLogReader log;
    private LoggedEntry current;
    private DirectoryHandle? shard;
    private long shardNumber = -1;

    private StoredLayer(LayerLease lease, DirectoryHandle directory, LayerLogReader log, EntryAttributes attributes)
    {
        this.lease = lease;
        this.directory = directory;
        this.log = log;
        this.attributes = attributes;
    }

    /// <summary>Takes a layer of the store into use; nothing where it is not there, or is not to be used.</summary>
    /// <param name="store">The layer store.</param>
    /// <param name="diffId">Which layer.</param>
    /// <param name="owners">Whose ids its files must belong to.</param>
    /// <param name="attributes">What else the entries get.</param>
    public static StoredLayer? TryOpen(LayerStore store, Digest diffId, string owners, EntryAttributes attributes)
    {
        var lease = store.TryOpen(diffId);
        DirectoryHandle? directory = null;
        try
        {
            if (lease is null) return null;
            directory = DirectoryHandle.Open(lease.Directory);
            if (directory.TryStatus("entries"u8) is not { Kind: FileKind.Regular }) return null;
            if (LayerLogReader.TryOpen(new FileStream(directory.OpenRead("entries"u8), FileAccess.Read, bufferSize: 0), owners) is not { } log) return null;
            var layer = new StoredLayer(lease, directory, log, attributes);
            (lease, directory) = (null, null);
            return layer;
        }
        finally
        {
            directory?.Dispose();
            lease?.Dispose();
        }
    }

    public TarEntry? Next()
    {
        try
        {
            if (log.Next() is not { } next) return null;
            current = next;
            return current.Entry;
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new DamagedLayerException(lease.DiffId, "its log cannot be read", error);
        }
    }

    public bool TryMake(TarEntry entry, DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        if (current.File is not { } number) throw new DamagedLayerException(lease.DiffId, $"it has no content of '{EntryPath.Show(entry.Name)}'");
        var stored = LayerLog.Number(number);
        var errno = parent.TryCreateHardLink(Shard(number), stored, name);
        switch (errno)
        {
            case Errno.None:
                break;
            case Errno.EEXIST:
                return false;
            case Errno.ENOENT:
                throw new DamagedLayerException(lease.DiffId, $"the content of '{EntryPath.Show(entry.Name)}' is missing");
            case Errno.EMLINK or Errno.EXDEV or Errno.EPERM or Errno.EOPNOTSUPP:
                if (!TryCopy(stored, entry, parent, name)) return false;
                break;
            default:
                throw new LinuxException("linkat", NativePath.Display(name), errno);
        }

        // A file system that was not unmounted cleanly, or fails, is known to leave files empty.
        if (parent.TryStatus(name) is not { Kind: FileKind.Regular } status || status.Size != entry.Size) throw new DamagedLayerException(lease.DiffId, $"the content of '{EntryPath.Show(entry.Name)}' has another length");
        attributes.Report(entry, current.Refused);
        return true;
    }

    public void Dispose()
    {
        log.Dispose();
        shard?.Dispose();
        directory.Dispose();
        lease.Dispose();
    }

    private bool TryCopy(byte[] stored, TarEntry entry, DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        using var file = parent.TryCreateFile(name, 0x180 /* 0600 */);
        if (file is null) return false;
        using var source = Shard(shardNumber * LayerLog.FilesInShard).OpenRead(stored);
        FileContent.Copy(source, file, DirectoryHandle.StatusOf(source));
        _ = attributes.Apply(file, entry);
        return true;
    }

    private DirectoryHandle Shard(long file)
    {
        var number = file / LayerLog.FilesInShard;
        if (number == shardNumber && shard is not null) return shard;
        shard?.Dispose();
        shard = directory.TryOpenDirectory([.. "files/"u8, .. LayerLog.Number(number)], Resolve.Beneath | Resolve.NoSymlinks, out var errno);
        if (shard is null && errno == Errno.ENOENT) throw new DamagedLayerException(lease.DiffId, $"its directory files/{number} is missing");
        shardNumber = number;
        return shard ?? throw new LinuxException("openat2", $"{lease.Directory}/files/{number}", errno);
    }
}
