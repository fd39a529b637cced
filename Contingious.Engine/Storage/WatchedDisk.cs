using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Storage;

/// <summary>
/// A directory on the state directory's file system. Nothing but the count of what lies in it bounds the job, and a file
/// that is deleted while a process still has it open is not in the count: the last resort of a host without quotas.
/// </summary>
internal sealed class WatchedDisk : JobDisk
{
    private readonly string source;

    private WatchedDisk(string source, string directory, ByteSize bytes, long inodes)
        : base(directory, bytes, inodes) => this.source = source;

    public override DiskBackend Backend => DiskBackend.Watched;

    public override bool IsStrict => false;

    public static WatchedDisk Make(string disks, string sandbox, string directory, ByteSize bytes, long inodes)
    {
        System.IO.Directory.CreateDirectory(disks, (UnixFileMode)0x1C0 /* 0700 */);
        using (var parent = DirectoryHandle.Open(disks)) parent.CreateDirectory(Encoding.UTF8.GetBytes(sandbox), Passable);

        // The way to the state directory is closed to the container's own root.
        Mounts.Bind($"{disks}/{sandbox}", directory);
        return new WatchedDisk($"{disks}/{sandbox}", directory, bytes, inodes);
    }

    public override FileSystemUse Occupied()
    {
        using var root = DirectoryHandle.Open(Directory);

        // Past its limit it is over, by however much: no need to count on.
        var (bytes, inodes) = new TreeCount(MostInodes + 1).Of(root);
        var room = Mounts.UseOf(Directory);
        return new FileSystemUse(bytes, room.FreeBytes, inodes, room.FreeInodes);
    }

    protected override void Resize()
    {
    }

    protected override void GiveBack() => Remove(source);

    /// <summary>Removes what there is of a sandbox's.</summary>
    public static void RemoveOf(string disks, string sandbox)
    {
        if (System.IO.Directory.Exists(disks)) Remove($"{disks}/{sandbox}");
    }

    /// <summary>The sandboxes that have one.</summary>
    public static IEnumerable<string> Sandboxes(string disks) =>
        System.IO.Directory.Exists(disks) ? System.IO.Directory.EnumerateDirectories(disks).Select(path => Path.GetFileName(path)) : [];

    private static void Remove(string directory)
    {
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(directory) ?? "/");
        parent.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(directory)));
    }
}
