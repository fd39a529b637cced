using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// What the containers of one job see besides their rootfs, and where that lies: the image's read-only part, the job's shared
/// directory, a /dev/shm for each step, files of /etc, directories of the host. All that is writable is on the job's disk, or the operator's to give.
/// </summary>
internal sealed class SandboxMounts
{
    private const string SharedMemory = "/dev/shm";
    private const uint Everybody = 0x1FF;     // 0777
    private const uint EverybodySticky = 0x3FF; // 01777
    private const uint Plain = 0x1ED;         // 0755

    private readonly HostLayout layout;
    private readonly RunRequest request;
    private readonly JobDisk disk;
    private readonly string sandboxDirectory;
    private readonly uint firstId;
    private readonly Dictionary<string, IReadOnlyList<BindMount>> etc = [];
    private readonly List<BindMount> hostMounts = [];

    /// <exception cref="RejectedRequestException">A directory of the host is not one, or the operator does not allow it.</exception>
    public SandboxMounts(HostLayout layout, EngineOptions options, RunRequest request, JobDisk disk, string sandboxDirectory, uint firstId)
    {
        this.layout = layout;
        this.request = request;
        this.disk = disk;
        this.sandboxDirectory = sandboxDirectory;
        this.firstId = firstId;
        disk.Allow(0, 2);
        Make("io", Everybody);
        for (var i = 0; i < request.Mounts.Count; i++) hostMounts.Add(HostDirectories.Bind(options.Mounts, request.Mounts[i], $"{sandboxDirectory}/mount-{i}", $"mounts[{i}]"));
    }

    private string Shared => $"{disk.Directory}/io";

    /// <summary>By its path in a container: what is bound there and can hold files of the job.</summary>
    public IReadOnlyDictionary<string, string> Places => new Dictionary<string, string>(StringComparer.Ordinal) { [RootfsSplit.SharedMount] = Shared };

    /// <summary>What must be mounted for a step, in order.</summary>
    public IReadOnlyList<BindMount> Of(StepPlan plan)
    {
        var readOnlyView = layout.ImagesView + plan.Image.ReadOnlyDirectory[layout.ImagesDirectory.Length..];
        return
        [
            new BindMount($"{disk.Directory}/shm", SharedMemory, "nosuid", "nodev", "noexec"),
            .. RootfsClone.ReadOnlyMountsOf(plan.Image).Select(path => new BindMount($"{readOnlyView}{path}", path, "ro", "nosuid", "nodev")),
            .. etc.GetValueOrDefault(plan.Rootfs, []),
            .. hostMounts,
            new BindMount(Shared, RootfsSplit.SharedMount, "nosuid", "nodev"),
        ];
    }

    /// <summary>The mount points of a step that are directories of its rootfs, as opposed to on top of another mount.</summary>
    public IEnumerable<string> PointsOf(StepPlan plan) =>
        RuntimeSpec.OwnMountPoints.Append(RuntimeSpec.ToolsMount).Concat(Of(plan).Select(bind => bind.Destination)).Where(path => !IsOnTop(path, plan)).Except(FilePointsOf(plan));

    /// <summary>The mount points of a step that are files of its rootfs: the image has them, and nobody makes one.</summary>
    public static IReadOnlyList<string> FilePointsOf(StepPlan plan) => RootfsClone.ReadOnlyFilesOf(plan.Image);

    /// <summary>Puts what is ours into a new clone: files of /etc, and the mount points that its image has not.</summary>
    /// <param name="clone">The clone.</param>
    /// <param name="plans">Whoever runs in it.</param>
    /// <exception cref="RejectedRequestException">Something else is where a mount must go.</exception>
    public void Prepare(RootfsClone clone, IReadOnlyList<StepPlan> plans)
    {
        var first = plans[0];
        var points = PointsOf(first).ToList();
        clone.Add(EtcFiles.RoomBytes, points.Count * 4, () =>
        {
            using var root = clone.Open();
            var users = plans.Select(plan => new EtcUser(plan.User, plan.WorkingDirectory)).Distinct().ToList();
            etc[first.Rootfs] = EtcFiles.Prepare(root, first.Image, firstId, users, $"{sandboxDirectory}/etc-{first.Rootfs}", request.Network == NetworkMode.Internet);
            foreach (var point in points) MakePoint(root, point);
        });
    }

    /// <summary>Checks, before anything runs, that the request's mounts have a place in a step's image.</summary>
    /// <exception cref="RejectedRequestException">One has none.</exception>
    public void Validate(StepPlan plan)
    {
        for (var i = 0; i < request.Mounts.Count; i++) RequireInReadOnly(request.Mounts[i].Target, plan, $"mounts[{i}].target");
    }

    /// <summary>Gives the next step a /dev/shm of its own.</summary>
    public void PrepareStep()
    {
        using (var on = DirectoryHandle.Open(disk.Directory)) on.RemoveTree("shm"u8);
        Make("shm", EverybodySticky);
    }

    private void Make(string name, uint mode)
    {
        using var on = DirectoryHandle.Open(disk.Directory);
        on.CreateDirectory(Encoding.UTF8.GetBytes(name), mode);
        on.SetOwner(Encoding.UTF8.GetBytes(name), firstId, firstId);
    }

    private void MakePoint(DirectoryHandle root, string path)
    {
        try
        {
            root.OpenOrMake(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Encoding.UTF8.GetBytes), Plain, firstId, firstId).Dispose();
        }
        catch (LinuxException error) when (error.Errno is Errno.ELOOP or Errno.ENOTDIR)
        {
            throw new RejectedRequestException("image", $"{path} goes through a link or a file in the image, and something must be mounted there. Import it again, so that the importer can mend that, or name another path.");
        }
    }

    /// <summary>A mount point below the image's read-only part cannot be made any more: the image must have it.</summary>
    private static void RequireInReadOnly(string target, StepPlan plan, string field)
    {
        if (RootfsClone.ReadOnlyMountsOf(plan.Image).FirstOrDefault(mount => target.StartsWith($"{mount}/", StringComparison.Ordinal)) is not { } mount) return;
        try
        {
            using var tree = DirectoryHandle.Open(plan.Image.ReadOnlyDirectory);
            tree.OpenDirectory(target.TrimStart('/')).Dispose();
        }
        catch (LinuxException)
        {
            throw new RejectedRequestException(field, $"{target} is no directory of the image, and nothing can be made there: {mount} is read-only in it. Name a path that is there, or one outside of {mount}.");
        }
    }

    private static bool IsOnTop(string path, StepPlan plan) =>
        RuntimeSpec.OwnMountPoints.Concat(RootfsClone.ReadOnlyMountsOf(plan.Image)).Any(mount => path.StartsWith($"{mount}/", StringComparison.Ordinal));
}
