using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// A directory of the rootfs that is held open while a layer makes things in it. Whatever that does to its time, it has the right one
/// when it is let go: its own entry's, or else the one it had.
/// </summary>
internal sealed class HeldDirectory(DirectoryHandle handle, FileStatus status)
{
    private (long Seconds, uint Nanoseconds) time = (status.ModifySeconds, status.ModifyNanoseconds);
    private bool isChanged;

    public DirectoryHandle Handle { get; } = handle;

    public ulong Inode { get; } = status.Inode;

    /// <summary>Whether the layer's contents know it as one that the layer has something in.</summary>
    public bool IsTouched { get; set; }

    /// <summary>When it was last asked for, in turns of the cache.</summary>
    public long LastUse { get; set; }

    /// <summary>Something is made or removed in it.</summary>
    public void Change() => isChanged = true;

    /// <summary>The time it is to have when the layer is done.</summary>
    public void SetTime(long seconds, uint nanoseconds)
    {
        time = (seconds, nanoseconds);
        isChanged = true;
    }

    /// <exception cref="LinuxException">Its time cannot be set.</exception>
    public void LetGo()
    {
        if (isChanged) Handle.SetTimes(time.Seconds, time.Nanoseconds);
        Handle.Dispose();
    }
}
