using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Host.SetupActions;

/// <summary>
/// Makes directories of an account's that the kernel holds to a size each, by project quotas, and a link to them in the
/// account's state directory. The account can use them and cannot make them larger: in a user namespace nobody may change a project.
/// </summary>
/// <param name="Slots">What is asked for.</param>
/// <param name="Link">Where the engine looks for them.</param>
/// <param name="Name">The account's directory in the one that is asked for.</param>
/// <param name="Owner">The account.</param>
internal sealed record ProvisionDiskSlots(DiskSlotRequest Slots, string Link, string Name, string Owner) : SetupAction
{
    private const uint Closed = 0x1C0;   // 0700
    private const uint Passable = 0x1C9; // 0711

    /// <summary>Where project ids of ours begin: far from those that people give out by hand.</summary>
    private const uint FirstProject = 0x0C71_0000;

    private const uint MostProjects = 0x0001_0000;

    private string Folder => $"{Slots.Directory.TrimEnd('/')}/{Name}";

    internal override string Key => $"disk-slots {Folder}";

    public override string Describe() => $"provision {Slots.Count} disk slots of {Slots.Size} and {Slots.Inodes} files each in {Folder}, owner {Owner}";

    public override string DescribeUndo() => $"remove the disk slots in {Folder} with all they hold, and {Link}";

    internal override PriorState Look(SetupHost host) => new(host.Root.TryStatus(Folder) is not null);

    internal override bool IsDone(SetupHost host)
    {
        if (host.Root.TryStatus(Link) is not { Kind: FileKind.Symlink } || !Directory.Exists(host.Root.At(Folder))) return false;
        using var folder = DirectoryHandle.Open(host.Root.At(Folder));
        return SlotDisk.SlotsIn(host.Root.At(Folder)).SequenceEqual(Names()) && Names().All(name =>
        {
            using var slot = folder.OpenDirectory(name);
            return ProjectQuota.Of(slot) is { } project && ProjectQuota.LimitsOf(slot, project) is var limits && limits.Bytes == Slots.Size.Bytes && limits.Inodes == Slots.Inodes;
        });
    }

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        if (!Directory.Exists(host.Root.At(Slots.Directory))) throw new HostNotReadyException($"There is no directory {Slots.Directory}. Mount a file system there first: {HowToMount}");
        RequireQuotas(host);
        if (SlotDisk.Sandboxes(host.Root.At(Folder)).FirstOrDefault() is { } user) throw new HostNotReadyException($"A disk slot in {Folder} is in use by {user}. Wait until no job runs.");
        using (var parent = host.Root.OpenParent(Folder))
        {
            if (parent.TryStatus(Bytes(Name)) is null) parent.CreateDirectory(Bytes(Name), Closed);
        }

        using var folder = DirectoryHandle.Open(host.Root.At(Folder));
        var (uid, gid) = host.IdsOf(Owner);
        folder.SetOwner(uid, gid);
        folder.SetMode(Closed);
        foreach (var name in Names())
        {
            cancellation.ThrowIfCancellationRequested();
            Provision(folder, Bytes(name), uid, gid);
        }

        foreach (var surplus in SlotDisk.SlotsIn(host.Root.At(Folder)).Except(Names()).ToList()) RemoveSlot(folder, Bytes(surplus));
        MakeLink(host, uid, gid);
        return Task.CompletedTask;
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        using (var state = TryOpenParent(host, Link))
        {
            if (state?.TryStatus(Bytes(Path.GetFileName(Link))) is { Kind: FileKind.Symlink }) state.RemoveFile(Bytes(Path.GetFileName(Link)));
        }

        if (host.Root.TryStatus(Folder) is null) return Task.CompletedTask;
        using (var folder = DirectoryHandle.Open(host.Root.At(Folder)))
        {
            foreach (var slot in SlotDisk.SlotsIn(host.Root.At(Folder)).ToList()) RemoveSlot(folder, Bytes(slot));
        }

        using var parent = host.Root.OpenParent(Folder);
        parent.RemoveTree(Bytes(Name));
        return Task.CompletedTask;
    }

    private IEnumerable<string> Names() => Enumerable.Range(0, Slots.Count).Select(index => string.Create(CultureInfo.InvariantCulture, $"slot-{index:00}"));

    private void Provision(DirectoryHandle folder, byte[] name, uint uid, uint gid)
    {
        if (folder.TryStatus(name) is null) folder.CreateDirectory(name, Passable);
        using var slot = folder.OpenDirectory(name);
        slot.SetOwner(uid, gid);
        slot.SetMode(Passable);
        var project = ProjectQuota.Of(slot) ?? FreeProject(folder);

        // The limits first: a project that has some is not taken for a free one by another account's setup.
        ProjectQuota.SetLimits(folder, project, Slots.Size.Bytes, Slots.Inodes);
        ProjectQuota.Assign(slot, project);
    }

    private static uint FreeProject(DirectoryHandle fileSystem)
    {
        for (var project = FirstProject; project < FirstProject + MostProjects; project++)
        {
            if (ProjectQuota.LimitsOf(fileSystem, project) == default) return project;
        }

        throw new HostNotReadyException($"All projects from {FirstProject} to {FirstProject + MostProjects - 1} are in use on {fileSystem.Path}.");
    }

    private static void RemoveSlot(DirectoryHandle folder, byte[] name)
    {
        using (var slot = folder.OpenDirectory(name))
        {
            if (ProjectQuota.Of(slot) is { } project) ProjectQuota.SetLimits(folder, project, 0, 0);
        }

        folder.RemoveTree(name);
    }

    private void RequireQuotas(SetupHost host)
    {
        using var directory = DirectoryHandle.Open(host.Root.At(Slots.Directory));
        try
        {
            _ = ProjectQuota.LimitsOf(directory, FirstProject);
        }
        catch (LinuxException error) when (error.Errno is Errno.ESRCH or Errno.ENOSYS or Errno.EOPNOTSUPP or Errno.EINVAL)
        {
            throw new HostNotReadyException($"{Slots.Directory} is not on a file system that is mounted with project quotas ({error.Message}). {HowToMount}", error);
        }
    }

    private void MakeLink(SetupHost host, uint uid, uint gid)
    {
        using var state = host.Root.OpenParent(Link);
        var name = Bytes(Path.GetFileName(Link));
        if (state.TryStatus(name) is not null) state.RemoveFile(name);
        state.CreateSymlink(Bytes(Folder), name);
        state.SetOwner(name, uid, gid);
    }

    private static DirectoryHandle? TryOpenParent(SetupHost host, string path) =>
        Directory.Exists(host.Root.At(Path.GetDirectoryName(path) ?? "/")) ? host.Root.OpenParent(path) : null;

    private const string HowToMount = "xfs needs the mount option prjquota; ext4 needs 'tune2fs -O quota,project -Q prjquota DEVICE', once, and the mount option prjquota.";

    private static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);
}
