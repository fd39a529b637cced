using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Storage;

/// <summary>A tmpfs of the job's own size, mounted in the keeper only; giving it back is one unmount.</summary>
internal sealed class TmpfsDisk : JobDisk
{
    /// <summary>The tmpfs's own root directory.</summary>
    private const int OwnInodes = 1;

    private TmpfsDisk(string directory, ByteSize bytes, long inodes)
        : base(directory, bytes, inodes)
    {
    }

    public override DiskBackend Backend => DiskBackend.Tmpfs;

    public override bool IsStrict => true;

    public static TmpfsDisk Mount(string directory, ByteSize bytes, long inodes)
    {
        Mounts.Tmpfs(directory, bytes.Bytes, inodes + OwnInodes, "0711");
        return new TmpfsDisk(directory, bytes, inodes);
    }

    public override FileSystemUse Occupied()
    {
        var use = Mounts.UseOf(Directory);
        return use with { UsedInodes = use.UsedInodes - OwnInodes };
    }

    protected override void Resize()
    {
        // Smaller than what is on it, the kernel refuses to make it: that can be where the job filled the room of image files that it removed.
        var now = Occupied();
        Mounts.ResizeTmpfs(Directory, Math.Max(MostBytes, now.UsedBytes), Math.Max(MostInodes, now.UsedInodes) + OwnInodes);
    }

    protected override void GiveBack()
    {
    }
}
