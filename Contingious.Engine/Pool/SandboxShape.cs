using System.Globalization;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Pool;

/// <summary>
/// What jobs have in common that a sandbox can be made ahead of: the image of their first step, and whatever else is fixed before the first container waits. All
/// the rest (limits, files, the command, further steps) is given to it when its job is known.
/// </summary>
internal sealed record SandboxShape
{
    private SandboxShape(string key) => Key = key;

    /// <summary>
    /// That of any job: ids, a cgroup, and a runtime that waits in it for a container to start. What the kernel takes for joining a cgroup, tens of milliseconds where
    /// nobody has for a while, is over then.
    /// </summary>
    public static SandboxShape Any { get; } = new("any") { Image = "", Network = NetworkMode.None, Plans = [] };

    /// <summary>Equal for two shapes that one sandbox can serve.</summary>
    public string Key { get; }

    private string Place { get; init; } = "";

    /// <summary>The image by the name that it is found by whatever becomes of its names.</summary>
    public required string Image { get; init; }

    public required NetworkMode Network { get; init; }

    /// <summary>The steps that use the first one's rootfs, with nothing in them that is a job's.</summary>
    public required IReadOnlyList<StepPlan> Plans { get; init; }

    /// <summary>The shape of a job's sandbox; nothing where it has to be made to measure.</summary>
    /// <param name="request">The job.</param>
    /// <param name="plans">Its steps.</param>
    /// <param name="policy">What bounds its disk.</param>
    public static SandboxShape? Of(RunRequest request, IReadOnlyList<StepPlan> plans, DiskPolicy policy)
    {
        // Mounts are in the container from its start. Only a tmpfs can be made as large or small as a job wants once it is there.
        if (request.Mounts.Count > 0 || JobDisk.BackendFor(policy, request.Limits.Disk + RoomOf(plans)) != DiskBackend.Tmpfs) return null;
        var first = plans[0];
        if (!first.IsDue([])) return null;
        var sharing = plans.Where(plan => plan.Rootfs == first.Rootfs).Select(plan => plan with { Index = 0, Step = new StepRequest() }).ToList();

        // Each of them is to have a name in /etc/passwd, and a home.
        var users = string.Join(' ', sharing.Select(plan => string.Create(CultureInfo.InvariantCulture, $"{plan.User.Uid}:{plan.User.Gid}:{plan.User.Home ?? plan.WorkingDirectory}")).Distinct());
        var place = PlaceOf(first.Image);
        return new SandboxShape($"{first.Image.Id} {place} {request.Network} {users}")
        {
            Image = first.Image.Id.ToString(),
            Place = place,
            Network = request.Network,
            Plans = sharing,
        };
    }

    /// <summary>Whether an image's trees are still those that were meant.</summary>
    public bool IsOf(Image image) => PlaceOf(image) == Place;

    public bool Equals(SandboxShape? other) => other is not null && other.Key == Key;

    public override int GetHashCode() => Key.GetHashCode(StringComparison.Ordinal);

    /// <summary>What the images of a job's steps bring.</summary>
    public static ByteSize RoomOf(IEnumerable<StepPlan> plans) => new(plans.DistinctBy(plan => plan.Rootfs).Sum(plan => plan.Image.EditableBytes + EtcFiles.RoomBytes));

    // An image that was removed and imported again has the same id, and its trees are others: a waiting container has the old ones mounted.
    private static string PlaceOf(Image image)
    {
        using var tree = DirectoryHandle.Open(image.ReadOnlyDirectory);
        var status = tree.Status();
        return string.Create(CultureInfo.InvariantCulture, $"{status.Device}.{status.Inode}");
    }
}
