using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Storage;

/// <summary>
/// A directory with a project quota, one of those that root has provisioned (<c>contingious setup --disk-slots</c>). Who
/// has a slot is told by the symlink <c>slot-NN.user</c> beside it, which is made, and so taken, in one step, and points at the sandbox's name.
/// </summary>
/// <remarks>
/// Nobody but the host's root can change a slot's quota, so a job whose limit is lower than the slot is held to it by a
/// ballast: a file of ours in the slot, of reserved and never written blocks, that leaves as much room as the job may use.
/// There is none for the number of files.
/// </remarks>
internal sealed class SlotDisk : JobDisk
{
    private const string UserSuffix = ".user";
    private const long Page = 4096;
    private const long Slack = 64 << 10;

    /// <summary>How far, by this part of the job's own limit, the slot's number of files may be above it and still count as it.</summary>
    private const int Tolerance = 100;

    private static ReadOnlySpan<byte> BallastName => ".ballast"u8;

    private readonly string slots;
    private readonly string slot;
    private readonly FileSystemUse empty;
    private readonly SafeFileHandle ballast;

    private SlotDisk(string slots, string slot, FileSystemUse empty, SafeFileHandle ballast, string directory, ByteSize bytes, long inodes)
        : base(directory, bytes, inodes)
    {
        this.ballast = ballast;
        this.slots = slots;
        this.slot = slot;
        this.empty = empty;
    }

    public override DiskBackend Backend => DiskBackend.ProjectQuota;

    /// <summary>Bytes are held by the kernel always, files where the slot has no more of them than the job may make, within 1 %.</summary>
    public override bool IsStrict => empty.FreeInodes - MostInodes <= MostInodes / Tolerance;

    /// <summary>A slot for a sandbox; nothing where none that is large enough is free.</summary>
    /// <param name="slots">Where the slots are; it need not exist.</param>
    /// <param name="sandbox">Who gets it.</param>
    /// <param name="directory">Where it is to be seen.</param>
    /// <param name="bytes">The job's limit.</param>
    /// <param name="inodes">The job's limit of files.</param>
    /// <param name="expected">What is to fit beside it.</param>
    public static SlotDisk? TryLease(string slots, string sandbox, string directory, ByteSize bytes, long inodes, ByteSize expected)
    {
        if (!System.IO.Directory.Exists(slots)) return null;
        using var handle = DirectoryHandle.Open(slots);
        foreach (var (slot, size) in InForce(slots))
        {
            if (size.FreeBytes < (bytes + expected).Bytes || size.FreeInodes < WithOwn(inodes) || !TryTake(handle, slot, sandbox)) continue;
            return Prepare(slots, slot, directory, bytes, inodes);
        }

        return null;
    }

    /// <summary>The slots that the kernel holds to a size of their own, with that size. Where no quota is in force, a directory shows the whole file system's.</summary>
    public static IEnumerable<(string Slot, FileSystemUse Size)> InForce(string slots)
    {
        var all = Mounts.UseOf(slots);
        return SlotsIn(slots)
            .Select(slot => (slot, Mounts.UseOf($"{slots}/{slot}")))
            .Where(entry => entry.Item2.UsedBytes + entry.Item2.FreeBytes < all.UsedBytes + all.FreeBytes);
    }

    /// <summary>The files that a slot needs free for a job that may make so many: the ballast is one.</summary>
    public static long WithOwn(long inodes) => inodes + 1;

    /// <summary>What there is, for whoever got none.</summary>
    public static string Describe(string slots)
    {
        var all = System.IO.Directory.Exists(slots) ? InForce(slots).ToList() : [];
        return all.Count == 0
            ? "none that a quota holds to a size"
            : $"{all.Count}, the largest with {new ByteSize(all.Max(slot => slot.Size.FreeBytes))} and {all.Max(slot => slot.Size.FreeInodes)} files free";
    }

    private static SlotDisk Prepare(string slots, string slot, string directory, ByteSize bytes, long inodes)
    {
        SafeFileHandle? ballast = null;
        try
        {
            Empty($"{slots}/{slot}");
            using (var own = DirectoryHandle.Open($"{slots}/{slot}")) ballast = own.CreateFile(BallastName, 0x180 /* 0600 */);
            Mounts.Bind($"{slots}/{slot}", directory);
            var disk = new SlotDisk(slots, slot, Mounts.UseOf(directory), ballast, directory, bytes, inodes);
            disk.Resize();
            return disk;
        }
        catch
        {
            ballast?.Dispose();
            UnmountAll(directory);
            GiveBack(slots, slot);
            throw;
        }
    }

    public override FileSystemUse Occupied()
    {
        var use = Mounts.UseOf(Directory);
        return use with { UsedBytes = use.UsedBytes - empty.UsedBytes - BallastBytes, UsedInodes = use.UsedInodes - empty.UsedInodes };
    }

    protected override void Resize()
    {
        if (MostBytes > empty.FreeBytes || MostInodes > empty.FreeInodes)
        {
            throw new HostNotReadyException(
                $"The disk slot {slot} holds {new ByteSize(empty.FreeBytes)} and {empty.FreeInodes} files; the job's limit and what its images bring come to {new ByteSize(MostBytes)} and {MostInodes}. Provision larger ones with: sudo contingious setup --disk-slots N --disk-slot-size SIZE --disk-slot-inodes N --disk-directory DIR");
        }

        // What is left over is the ballast's. A long one takes blocks to say where its blocks are, which a second look sees.
        Level();
        Level();
    }

    private void Level()
    {
        var use = Occupied();
        var surplus = use.FreeBytes - Math.Max(0, MostBytes - use.UsedBytes);
        var length = DirectoryHandle.StatusOf(ballast).Size;
        var growth = (Math.Max(0, length + surplus) / Page * Page) - length;
        if (growth < 0) RandomAccess.SetLength(ballast, length + growth);
        if (growth <= 0 || ProjectQuota.TryExtend(ballast, length, growth)) return;

        // While it allocates, a file system may want some blocks more than it will take.
        if (growth > Slack && !ProjectQuota.TryExtend(ballast, length, growth - Slack)) throw NoRoom();
    }

    private HostNotReadyException NoRoom() => new($"The file system of {slots} has less room than its disk slots together, so {slot} cannot be held to a job's limit. Make it larger or the slots smaller.");

    private long BallastBytes => DirectoryHandle.StatusOf(ballast).AllocatedBytes;

    protected override void GiveBack()
    {
        ballast.Dispose();
        GiveBack(slots, slot);
    }

    /// <summary>Gives back what a sandbox has.</summary>
    public static void GiveBackOf(string slots, string sandbox)
    {
        foreach (var (slot, user) in Users(slots))
        {
            if (user == sandbox) GiveBack(slots, slot);
        }
    }

    /// <summary>The sandboxes that have one.</summary>
    public static IEnumerable<string> Sandboxes(string slots) => Users(slots).Select(entry => entry.User);

    /// <summary>The names of the slots, in order.</summary>
    public static IEnumerable<string> SlotsIn(string directory) =>
        System.IO.Directory.EnumerateDirectories(directory, "slot-*").Select(path => Path.GetFileName(path)).Where(name => !name.EndsWith(UserSuffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static bool TryTake(DirectoryHandle slots, string slot, string sandbox)
    {
        try
        {
            slots.CreateSymlink(Encoding.UTF8.GetBytes(sandbox), UserOf(slot));
            return true;
        }
        catch (LinuxException error) when (error.Errno == Errno.EEXIST)
        {
            return false;
        }
    }

    // Emptied first: while it is not, nobody else may have it.
    private static void GiveBack(string slots, string slot)
    {
        Empty($"{slots}/{slot}");
        using var directory = DirectoryHandle.Open(slots);
        if (directory.TryStatus(UserOf(slot)) is not null) directory.RemoveFile(UserOf(slot));
    }

    private static void Empty(string slot)
    {
        using var directory = DirectoryHandle.Open(slot);
        directory.RemoveContents();
    }

    private static List<(string Slot, string User)> Users(string slots)
    {
        var users = new List<(string Slot, string User)>();
        if (!System.IO.Directory.Exists(slots)) return users;
        using var handle = DirectoryHandle.Open(slots);
        foreach (var slot in SlotsIn(slots))
        {
            if (handle.TryStatus(UserOf(slot)) is { Kind: FileKind.Symlink }) users.Add((slot, Encoding.UTF8.GetString(handle.ReadLink(UserOf(slot)))));
        }

        return users;
    }

    private static byte[] UserOf(string slot) => Encoding.UTF8.GetBytes(slot + UserSuffix);
}
