using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Storage;

/// <summary>
/// The one bounded place on which everything that a job may write lies: its clones, its shared directory, each step's
/// /dev/shm. Whatever holds the limit, it is seen at <c>disk</c> in the sandbox's directory, where the container's own root can reach it.
/// </summary>
internal abstract class JobDisk : IDisposable
{
    private const string MountName = "disk";
    private const long Page = 4096;

    /// <summary>0711: the container's own root walks through, and nobody lists.</summary>
    protected const uint Passable = 0x1C9;

    private long limitBytes;
    private long limitInodes;
    private long allowedBytes;
    private long allowedInodes;
    private bool isGivenBack;

    protected JobDisk(string directory, ByteSize bytes, long inodes)
    {
        Directory = directory;
        limitBytes = bytes.Bytes;
        limitInodes = inodes;
    }

    /// <summary>Where it is seen inside the keeper.</summary>
    public string Directory { get; }

    /// <summary>Where a sandbox's disk is, or will be, seen.</summary>
    public static string DirectoryOf(string sandboxDirectory) => $"{sandboxDirectory}/{MountName}";

    public abstract DiskBackend Backend { get; }

    /// <summary>
    /// Whether the kernel itself holds the job's own limit, of bytes and of files. Where it does not, somebody must look at
    /// <see cref="Use"/> now and again and stop a job that <see cref="DiskUse.IsOver"/>.
    /// </summary>
    public abstract bool IsStrict { get; }

    /// <summary>The most that may lie on it, what the images bring included.</summary>
    protected long MostBytes => limitBytes + allowedBytes;

    /// <summary>As <see cref="MostBytes"/>, files, directories and links.</summary>
    protected long MostInodes => limitInodes + allowedInodes;

    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="sandboxDirectory">The sandbox's directory, which exists and is named after the sandbox.</param>
    /// <param name="policy">Which back end.</param>
    /// <param name="bytes">The job's limit.</param>
    /// <param name="inodes">The job's limit of files, directories and links.</param>
    /// <param name="expected">What the job's images will bring, as far as it is known: it counts for the choice of a back end.</param>
    /// <exception cref="HostNotReadyException">The back end that the policy names is not to be had; the message says how to get it.</exception>
    public static JobDisk Create(HostLayout layout, string sandboxDirectory, DiskPolicy policy, ByteSize bytes, long inodes, ByteSize expected = default)
    {
        var directory = DirectoryOf(sandboxDirectory);
        System.IO.Directory.CreateDirectory(directory);
        var sandbox = Path.GetFileName(sandboxDirectory);
        return BackendFor(policy, bytes + expected) switch
        {
            DiskBackend.Tmpfs => TmpfsDisk.Mount(directory, bytes, inodes),
            DiskBackend.ProjectQuota => SlotDisk.TryLease(layout.DiskSlotsDirectory, sandbox, directory, bytes, inodes, expected) ?? throw NoSlot(layout, bytes + expected, inodes),
            DiskBackend.Watched => WatchedDisk.Make(layout.WatchedDisksDirectory, sandbox, directory, bytes, inodes),
            null => (JobDisk?)SlotDisk.TryLease(layout.DiskSlotsDirectory, sandbox, directory, bytes, inodes, expected)
                ?? WatchedDisk.Make(layout.WatchedDisksDirectory, sandbox, directory, bytes, inodes),
            _ => throw new InvalidOperationException($"{policy.Backend} is no back end of a disk."),
        };
    }

    /// <summary>Which back end a policy means for a disk of a size; nothing where that depends on what is free.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="bytes">The job's limit, and what its images will bring.</param>
    public static DiskBackend? BackendFor(DiskPolicy policy, ByteSize bytes) => policy.Backend ?? (bytes <= policy.TmpfsAtMost ? DiskBackend.Tmpfs : null);

    /// <summary>Gives it another limit than it was made with.</summary>
    /// <param name="bytes">The job's limit.</param>
    /// <param name="inodes">The job's limit of files.</param>
    public void Limit(ByteSize bytes, long inodes)
    {
        (limitBytes, limitInodes) = (bytes.Bytes, inodes);
        Resize();
    }

    /// <summary>
    /// Makes room for what is not charged to the job, such as what an image's clone brings, or takes it back by negative
    /// numbers. Told beforehand by an estimate, and afterwards by the difference to what it really took.
    /// </summary>
    /// <exception cref="ContingiousException">This disk cannot grow so far.</exception>
    public void Allow(long bytes, long inodes)
    {
        allowedBytes += bytes;
        allowedInodes += inodes;
        try
        {
            Resize();
        }
        catch
        {
            allowedBytes -= bytes;
            allowedInodes -= inodes;
            throw;
        }
    }

    /// <summary>What the job has added, as of now.</summary>
    public DiskUse Use()
    {
        var all = Occupied();
        return new DiskUse(
            Math.Max(0, all.UsedBytes - allowedBytes),
            Math.Max(0, all.UsedInodes - allowedInodes),
            Math.Min(all.FreeBytes, MostBytes - all.UsedBytes) < Page || Math.Min(all.FreeInodes, MostInodes - all.UsedInodes) < 1,
            !IsStrict && (all.UsedBytes > MostBytes || all.UsedInodes > MostInodes));
    }

    /// <summary>Everything on it, what the images brought included, and what room the kernel still gives.</summary>
    public abstract FileSystemUse Occupied();

    /// <summary>Holds the disk to <see cref="MostBytes"/> and <see cref="MostInodes"/> as they are now.</summary>
    protected abstract void Resize();

    /// <summary>Gives back what is behind <see cref="Directory"/>, once it is not mounted any more.</summary>
    protected abstract void GiveBack();

    /// <summary>Gives the disk back, and with it every clone that lies on it. The sandbox's directory is left to <see cref="Discard"/>.</summary>
    public void Dispose()
    {
        if (isGivenBack) return;
        isGivenBack = true;

        // An overlay has its upper directory here.
        UnmountInside(Path.GetDirectoryName(Directory) ?? "/");
        GiveBack();
    }

    /// <summary>
    /// Removes a sandbox's directory with all that is mounted in it, and what any back end left for it, also after a crash
    /// at any moment: everything is found from the sandbox's name. Whoever calls it holds the sandbox's lock, and its processes are dead.
    /// </summary>
    public static void Discard(HostLayout layout, string sandboxDirectory)
    {
        var sandbox = Path.GetFileName(sandboxDirectory);

        // A link is to the directory of a sandbox that was made ahead of its job, which has a name of its own.
        if (new FileInfo(sandboxDirectory).LinkTarget is null) UnmountInside(sandboxDirectory);
        SlotDisk.GiveBackOf(layout.DiskSlotsDirectory, sandbox);
        WatchedDisk.RemoveOf(layout.WatchedDisksDirectory, sandbox);
        var above = Path.GetDirectoryName(sandboxDirectory) ?? "/";
        if (!System.IO.Directory.Exists(above)) return;
        using var parent = DirectoryHandle.Open(above);
        parent.RemoveTree(Encoding.UTF8.GetBytes(sandbox));
    }

    /// <summary>The sandboxes that have something outside of the keeper, which outlives a keeper and a reboot.</summary>
    public static IEnumerable<string> Owners(HostLayout layout) =>
        SlotDisk.Sandboxes(layout.DiskSlotsDirectory).Concat(WatchedDisk.Sandboxes(layout.WatchedDisksDirectory));

    private static HostNotReadyException NoSlot(HostLayout layout, ByteSize bytes, long inodes) => new(
        $"No disk slot with room for {bytes} and {SlotDisk.WithOwn(inodes)} files is free in {layout.DiskSlotsDirectory}, which has {SlotDisk.Describe(layout.DiskSlotsDirectory)}. Wait for a job to end, or provision more or larger ones with: sudo contingious setup --disk-slots N --disk-slot-size SIZE --disk-slot-inodes N --disk-directory DIR");

    private static void UnmountInside(string sandboxDirectory)
    {
        if (!System.IO.Directory.Exists(sandboxDirectory)) return;
        foreach (var inside in System.IO.Directory.EnumerateDirectories(sandboxDirectory)) UnmountAll(inside);
    }

    protected static void UnmountAll(string target)
    {
        while (Mounts.TryUnmount(target))
        {
        }
    }
}
