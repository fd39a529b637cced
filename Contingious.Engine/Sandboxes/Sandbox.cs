using System.Globalization;
using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// One job's whole guarded place: its lock, slice of ids, disk with the clones on it, and cgroup. Used by one job only, and given back newest
/// first, whatever happened. It may be made ahead of its job, up to a container that waits for a command; then it has a name of its own, and the job's leads to it.
/// </summary>
internal sealed partial class Sandbox : IAsyncDisposable
{
    /// <summary>What making a working directory can take: an overlay copies it up, with all that is on the way to it.</summary>
    private const long WorkingDirectoryBytes = 64 << 10;
    private const long WorkingDirectoryInodes = 16;

    private readonly SandboxHost host;
    private readonly SandboxId place;
    private readonly FileLock hold;
    private readonly Dictionary<string, RootfsClone> rootfses = [];
    private readonly List<string> launched = [];
    private RunRequest request;
    private IdSlice? slice;
    private JobDisk? disk;
    private SandboxMounts? mounts;
    private Cgroup? cgroup;
    private JobBudget? budget;
    private StepPlan? last;
    private StepContainer? next;
    private StepRun? ended;
    private bool hasRun;
    private bool released;

    private Sandbox(SandboxHost host, RunRequest request, FileLock hold)
    {
        this.host = host;
        this.request = request;
        this.hold = hold;
        place = request.Id;
    }

    /// <summary>The job's name.</summary>
    public SandboxId Id => request.Id;

    private string SandboxDirectory => host.DirectoryOf(place.Value);

    private JobDisk Disk => disk ?? throw new InvalidOperationException("The sandbox has no disk yet.");

    private IdSlice Slice => slice ?? throw new InvalidOperationException("The sandbox has no slice yet.");

    private Cgroup JobCgroup => cgroup ?? throw new InvalidOperationException("The sandbox has no cgroup yet.");

    private SandboxMounts Mounts => mounts ?? throw new InvalidOperationException("The sandbox has no disk yet.");

    /// <summary>Claims the name. The lock file is there before anything that it names: it is the journal that a sweep reads.</summary>
    /// <exception cref="CapacityException">
    /// A live sandbox has that name: the same job, or another one that was given its id and attempt, runs here already. When it ends there is room.
    /// </exception>
    public static Sandbox Claim(SandboxHost host, RunRequest request) => new(host, request, Hold(host, request.Id));

    /// <summary>Whether a step's rootfs is there already.</summary>
    public bool Has(StepPlan plan) => rootfses.ContainsKey(plan.Rootfs);

    /// <summary>Makes a step's rootfs, and before the first one the disk that all of them are on.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="all">Every step of the job: some run in the same rootfs.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="RejectedRequestException">The request's mounts are not to be had.</exception>
    public void CloneRootfs(StepPlan plan, IReadOnlyList<StepPlan> all, CancellationToken cancellation)
    {
        if (Has(plan))
        {
            Disk.Limit(request.Limits.Disk, request.Limits.Inodes);
            return;
        }

        if (disk is null)
        {
            disk = JobDisk.Create(host.Layout, SandboxDirectory, host.Options.Disk, request.Limits.Disk, request.Limits.Inodes, SandboxShape.RoomOf(all));
            mounts = new SandboxMounts(host.Layout, host.Options, request, disk, SandboxDirectory, Slice.FirstId);
        }

        LeaveFresh(plan);
        var clone = RootfsClone.Create(host.Layout, disk, SandboxDirectory, plan.Rootfs, plan.Image, Slice.FirstId, cancellation);
        rootfses[plan.Rootfs] = clone;
        Mounts.Prepare(clone, [.. all.Where(other => other.Rootfs == plan.Rootfs)]);
    }

    /// <summary>Writes the bundles of all steps.</summary>
    /// <exception cref="RejectedRequestException">Something in the request is wrong, or not to be had in an image.</exception>
    public IReadOnlyList<StepBundle> WriteSpecs(IReadOnlyList<StepPlan> plans)
    {
        foreach (var plan in plans)
        {
            var input = InputOf(plan);
            input.ValidateWorkingDirectory($"steps[{plan.Index}].cwd");
            if (plan.Index == 0) input.Validate(request.Files, "files");
            input.Validate(plan.Step.Files, $"steps[{plan.Index}].files");
            Mounts.Validate(plan);
        }

        return [.. plans.Select(WriteSpec)];
    }

    /// <summary>Makes the job's cgroup, and has the runtime of the step that begins wait in it. Where that is there already, it only gets the job's limits.</summary>
    /// <param name="first">The step that begins; nothing where none does.</param>
    /// <exception cref="CapacityException">There are no ids for one more sandbox.</exception>
    public async ValueTask CreateCgroupAsync(StepPlan? first)
    {
        // Room for what is ours, and for the runtime of a command that somebody runs beside the steps.
        const int sessions = LiveSession.MostAtOnce;
        var network = request.Network == NetworkMode.Internet ? ByteSize.FromMiB(16) : ByteSize.Zero;
        var room = host.Runtime.RoomBeside(sessions);
        var limits = request.Limits;
        var all = new CgroupLimits((limits.Memory + network + room.Memory).Bytes, limits.Processes + host.Runtime.OwnProcesses + room.Processes, limits.Cpus);
        if (HasOtherName)
        {
            TakeName();
            JobCgroup.Limit(all);
            JobCgroup.StandBack(false);
            budget = new JobBudget(limits, JobCgroup);
            if (first is not null) next?.Cgroup.Limit(LimitsOf(first.Step));
            return;
        }

        slice ??= IdSlice.Lease(host.Layout);
        Directory.CreateDirectory(SandboxDirectory);

        // The container's own root walks through here to its rootfs.
        File.SetUnixFileMode(SandboxDirectory, (UnixFileMode)0x1C9); // 0711

        // Ours to remove from before it is there.
        cgroup = host.Home.Child(place.Value);

        // What an earlier attempt left would count for this one: its kills, its CPU time.
        if (cgroup.Exists) await cgroup.DiscardAsync(TimeSpan.FromSeconds(10), host.Time).ConfigureAwait(false);

        _ = host.Home.CreateChild(place.Value, all);
        budget = new JobBudget(limits, cgroup);
        if (first is not null) await PrepareAsync(first.Name, LimitsOf(first.Step)).ConfigureAwait(false);
    }

    /// <summary>Puts a step's files in place, and before the first step the job's. What an earlier step left in their way is that step's doing, and ends the job so.</summary>
    /// <returns>The step's report where it cannot be run; else nothing.</returns>
    /// <exception cref="RejectedRequestException">Nothing has run yet, and the files cannot be put in place.</exception>
    public async Task<StepReport?> CopyInAsync(StepPlan plan)
    {
        await PrepareAsync(plan.Name, LimitsOf(plan.Step)).ConfigureAwait(false);
        await LeaveStepAsync().ConfigureAwait(false);
        try
        {
            LeaveFresh(plan);
            last = plan;
            var input = InputOf(plan);
            rootfses[plan.Rootfs].Add(WorkingDirectoryBytes, WorkingDirectoryInodes, () => input.PrepareWorkingDirectory($"steps[{plan.Index}].cwd"));
            if (plan.Index == 0) input.Put(request.Files, "files");
            input.Put(plan.Step.Files, $"steps[{plan.Index}].files");
            input.RequireMountPoints(Mounts.PointsOf(plan), SandboxMounts.FilePointsOf(plan));
            if (next is { Init: null }) Mounts.PrepareStep();
            return null;
        }
        catch (RejectedRequestException error) when (hasRun)
        {
            return new StepReport { Name = plan.Step.Name, Outcome = Outcome.NonZeroExit, Field = error.Field, Message = $"An earlier step left something in the way of {error.Field}. {error.Message}" };
        }
        catch (IOException error) when (IsDiskFull(error))
        {
            if (!hasRun) throw new RejectedRequestException("limits.disk_bytes", $"The job's files do not fit into its disk limit ({error.Message}). Raise limits.disk_bytes or limits.inodes.");
            return new StepReport { Name = plan.Step.Name, Outcome = Outcome.DiskLimit, Message = $"The files of the step no longer fit: earlier steps used the disk limit up ({error.Message})." };
        }
    }

    /// <summary>A step's rootfs, for whoever looks at it from outside while nothing runs in it.</summary>
    public RootfsView View(StepPlan plan) => new(rootfses[plan.Rootfs].RootfsDirectory, rootfses[plan.Rootfs].WrittenDirectory, Slice.FirstId);

    public async Task<StepRun> LaunchAsync(StepBundle bundle, IRunObserver? observer)
    {
        var container = next ?? throw new InvalidOperationException("No container is prepared for the step.");
        hasRun = true;
        if (container.Init is null) await container.StartAsync().ConfigureAwait(false);
        next = null;
        var launch = new StepLaunch
        {
            Plan = bundle.Plan,
            Order = bundle.Order,
            Network = request.Network,
            JobCgroup = JobCgroup,
            Budget = budget ?? throw new InvalidOperationException("The sandbox has no cgroup yet."),
            Disk = Disk,
            Observer = observer,
        };
        return ended = await StepRun.BeginAsync(launch, container, host.Time).ConfigureAwait(false);
    }

    public StepReport Account(StepRun run, Outcome? stoppedFor) =>
        run.Account(stoppedFor, attended: LiveSession.WasIn(SandboxDirectory));

    /// <summary>Makes a step's cgroup, and has the runtime wait in it; unless that was done.</summary>
    private async ValueTask PrepareAsync(string name, CgroupLimits limits)
    {
        var container = $"{place}-{name}";
        if (next?.Name == container) return;

        // One whose step could not be run.
        await LeaveNextAsync().ConfigureAwait(false);
        launched.Add(container);
        var cgroup = JobCgroup.CreateChild(name, limits);
        var start = new ContainerStart
        {
            Container = container,
            BundleDirectory = BundleDirectoryOf(name),
            InitProgram = host.InitProgram,
            RootId = Slice.FirstId,
            Cgroup = cgroup,
            Place = host.Runtime.Place(JobCgroup, cgroup, name),
        };
        next = StepContainer.Prepare(start, host.Runtime, host.Time);
    }

    private string BundleDirectoryOf(string step) => $"{SandboxDirectory}/{step}";

    private CgroupLimits LimitsOf(StepRequest step) =>
        new(step.Limits.Memory.Bytes, step.Limits.Processes + host.Runtime.OwnProcesses, step.Limits.Cpus) { DieTogether = true };

    /// <summary>Collects what the job asks back, as the last step that ran saw it.</summary>
    public (IReadOnlyList<OutputFile> Files, bool Truncated) CopyOut()
    {
        if (request.Outputs.Count == 0 || last is null) return ([], false);
        using var root = rootfses[last.Rootfs].Open();
        var outputs = new OutputFiles(last.WorkingDirectory, request.OutputLimits, Mounts.Places)
        {
            MountPoints = SandboxMounts.FilePointsOf(last).ToHashSet(StringComparer.Ordinal),
            Blobs = host.Options.Blobs,
            InlineBytes = host.Options.InlineOutputs.Bytes,
        };
        return (outputs.Collect(root, request.Outputs), outputs.Truncated);
    }

    /// <summary>
    /// Gives everything back, newest first. What fails does not keep the rest from being given back; the first fault is
    /// thrown at the end, and the lock file stays for the sweep to find.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (released) return;
        released = true;
        Exception? first = null;
        foreach (var giveBack in new Func<Task>[] { LeaveStepAsync, LeaveNextAsync, RemoveContainersAsync, RemoveCgroupAsync, RemoveDisk })
        {
            try
            {
                await giveBack().ConfigureAwait(false);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ContingiousException)
            {
                first ??= error;
            }
        }

        if (first is null) File.Delete(host.LockOf(place.Value));
        slice?.Dispose();
        hold.Dispose();
        jobHold?.Dispose();
        if (first is not null) throw new ContingiousException($"{Id} was not given back whole: {first.Message}", first);
    }

    private StepBundle WriteSpec(StepPlan plan)
    {
        var bundle = BundleOf(plan);

        // Where the container is there already, only what a further command in it is to have is the job's.
        if (next is not { Init: not null } || plan.Index != 0) WriteContainer(bundle);
        bundle.WriteProcess();
        return bundle;
    }

    private StepBundle BundleOf(StepPlan plan) =>
        new(BundleDirectoryOf(plan.Name), plan, StepEnvironment.Of(plan.Image, plan.Step, plan.User, plan.WorkingDirectory), host.InitProgram);

    private void WriteContainer(StepBundle bundle)
    {
        var plan = bundle.Plan;
        Directory.CreateDirectory(bundle.Directory);
        var isRoot = plan.User.Uid == 0;
        bundle.Write(
            new RuntimeSpec
            {
                RootfsDirectory = RootfsClone.DirectoryOf(SandboxDirectory, plan.Rootfs, plan.Image.CloneEngine),
                Binds = [.. Mounts.Of(plan), new BindMount(StepBundle.ToolsDirectory(bundle.Directory), RuntimeSpec.ToolsMount, "ro", "nosuid", "nodev")],
                Capabilities = [.. Capabilities.OfInit.Union(isRoot ? Capabilities.OfRoot : [])],
                FirstId = Slice.FirstId,
                CompiledFilter = host.Runtime.CompiledFilter,
                Limits = plan.Step.Limits,
                CgroupsPath = host.Runtime.CgroupsPath(JobCgroup, plan.Name),
            });
    }

    private InputFiles InputOf(StepPlan plan) => new(
        rootfses.GetValueOrDefault(plan.Rootfs),
        Mounts.Places,
        Slice.FirstId,
        plan.User,
        plan.WorkingDirectory,
        [.. RuntimeSpec.OwnMountPoints, RuntimeSpec.ToolsMount, .. Mounts.Of(plan).Select(bind => bind.Destination)]);

    /// <summary>A fresh rootfs is one step's alone: it goes when another one's turn comes, and not before, as outputs may come from it.</summary>
    private void LeaveFresh(StepPlan next)
    {
        if (last is { Step.Fresh: true } && last.Rootfs != next.Rootfs && rootfses.Remove(last.Rootfs, out var used)) used.Dispose();
    }

    /// <summary>Gives back the container of the step before.</summary>
    private async Task LeaveStepAsync()
    {
        var leaving = ended;
        ended = null;
        if (leaving is not null) await leaving.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Gives back a container whose command never came.</summary>
    private async Task LeaveNextAsync()
    {
        var leaving = next;
        next = null;
        if (leaving is not null) await leaving.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RemoveContainersAsync()
    {
        if (cgroup is not null) await cgroup.KillAsync(spared: 0, TimeSpan.FromSeconds(10), host.Time).ConfigureAwait(false);
        foreach (var container in launched.Where(host.Runtime.Knows)) await host.Runtime.DeleteAsync(container, CancellationToken.None).ConfigureAwait(false);
    }

    private Task RemoveCgroupAsync() => cgroup?.RemoveAsync() ?? Task.CompletedTask;

    private Task RemoveDisk()
    {
        disk?.Dispose();
        JobDisk.Discard(host.Layout, SandboxDirectory);
        LeaveName();
        return Task.CompletedTask;
    }

    // RandomAccess reports ENOSPC as an IOException with the error number as its HResult.
    private static bool IsDiskFull(IOException error) =>
        error is LinuxException { Errno: Errno.ENOSPC or Errno.EDQUOT } || (error is not LinuxException && error.HResult is (int)Errno.ENOSPC or (int)Errno.EDQUOT);
}
