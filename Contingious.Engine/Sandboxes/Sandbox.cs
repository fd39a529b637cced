using System.Globalization;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// One job's whole guarded place: its lock, slice of ids, clone and cgroup. Used by one job only, and given back newest
/// first, whatever happened.
/// </summary>
internal sealed class Sandbox : IAsyncDisposable
{
    private readonly HostLayout layout;
    private readonly TimeProvider time;
    private readonly Crun crun;
    private readonly FileLock hold;
    private IdSlice? slice;
    private RootfsClone? clone;
    private Cgroup? cgroup;
    private readonly List<string> launched = [];
    private bool released;

    private Sandbox(HostLayout layout, SandboxId id, FileLock hold, TimeProvider time)
    {
        this.layout = layout;
        this.hold = hold;
        this.time = time;
        Id = id;
        crun = new Crun(layout.CrunDirectory);
    }

    public SandboxId Id { get; }

    private string SandboxDirectory => $"{layout.SandboxesDirectory}/{Id}";

    private string LockFile => $"{layout.LocksDirectory}/{Id}";

    private RootfsClone Clone => clone ?? throw new InvalidOperationException("The sandbox has no clone yet.");

    private IdSlice Slice => slice ?? throw new InvalidOperationException("The sandbox has no slice yet.");

    /// <summary>Claims the name. The lock file is there before anything that it names: it is the journal that a sweep reads.</summary>
    /// <exception cref="ContingiousException">
    /// A live sandbox has that name: the same job runs here already, for this agent or another, and its result comes from there.
    /// </exception>
    public static Sandbox Claim(HostLayout layout, SandboxId id, TimeProvider time)
    {
        var hold = FileLock.TryClaim($"{layout.LocksDirectory}/{id}")
            ?? throw new ContingiousException($"{id} is running on this host already. Give each job an id of its own, or wait for that one's result.");
        return new Sandbox(layout, id, hold, time);
    }

    public void CloneRootfs(Image image, Limits limits, CancellationToken cancellation)
    {
        slice = IdSlice.Lease(layout);
        Directory.CreateDirectory(SandboxDirectory);

        // The container's own root walks through here to its rootfs.
        File.SetUnixFileMode(SandboxDirectory, (UnixFileMode)0x1C9); // 0711
        clone = RootfsClone.Create(SandboxDirectory, image, slice.FirstId, limits, cancellation);
    }

    public void CreateCgroup(CgroupV1 account, Limits limits) =>
        cgroup = account.CreateChild(Id.Value, CgroupOf(limits));

    /// <summary>Writes the bundle of one step.</summary>
    /// <exception cref="RejectedRequestException">Something in the request is wrong, or not to be had in this image.</exception>
    public StepBundle WriteSpec(Image image, RunRequest request, int index)
    {
        var step = request.Steps[index];
        var name = $"step-{index.ToString(CultureInfo.InvariantCulture)}";
        var user = ContainerUser.Resolve(step.User, image, $"steps[{index}].user");
        var directory = $"{SandboxDirectory}/{name}";
        var bundle = new StepBundle(name, directory, user, step.WorkingDirectory ?? image.Config.WorkingDir, RuntimeSpec.MountPointsOf(image));
        var input = InputOf(bundle);
        input.ValidateWorkingDirectory($"steps[{index}].cwd");
        if (index == 0) input.Validate(request.Files, "files");
        input.Validate(step.Files, $"steps[{index}].files");
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1C0); // 0700
        new RuntimeSpec
        {
            Args = step.Args.Count > 0 ? step.Args : [.. image.Config.Entrypoint, .. image.Config.Cmd],
            Env = StepEnvironment.Of(image, step, user, bundle.WorkingDirectory),
            WorkingDirectory = bundle.WorkingDirectory,
            User = user,
            RootfsDirectory = Clone.RootfsDirectory,
            Image = image,
            ReadOnlyView = layout.ImagesView + image.ReadOnlyDirectory[layout.ImagesDirectory.Length..],
            ToolsDirectory = layout.ToolsDirectory,
            FirstId = Slice.FirstId,
            Limits = step.Limits,
        }.Write($"{directory}/config.json");
        return bundle;
    }

    /// <summary>Puts a step's files in place, and before the first step the job's. What an earlier step left in their way is that step's doing, and ends the job so.</summary>
    /// <returns>The step's report where it cannot be run; else nothing.</returns>
    /// <exception cref="RejectedRequestException">Nothing has run yet, and the files cannot be put in place.</exception>
    public StepReport? CopyIn(StepBundle bundle, RunRequest request, int index)
    {
        var step = request.Steps[index];
        try
        {
            var input = InputOf(bundle);
            input.PrepareWorkingDirectory($"steps[{index}].cwd");
            if (index == 0) input.Put(request.Files, "files");
            input.Put(step.Files, $"steps[{index}].files");
            input.RequireMountPoints(bundle.MountPoints);
            return null;
        }
        catch (RejectedRequestException error) when (launched.Count > 0)
        {
            return new StepReport { Name = step.Name, Outcome = Outcome.NonZeroExit, Message = $"An earlier step left something in the way of {error.Field}. {error.Message}" };
        }
        catch (IOException error) when (IsDiskFull(error))
        {
            if (launched.Count == 0) throw new RejectedRequestException("limits.disk_bytes", $"The job's files do not fit into its disk limit ({error.Message}). Raise limits.disk_bytes or limits.inodes.");
            return new StepReport { Name = step.Name, Outcome = Outcome.DiskLimit, Message = "An earlier step used up the disk limit: this step's files do not fit any more." };
        }
    }

    public StepRun Launch(StepBundle bundle, StepRequest step)
    {
        var group = cgroup ?? throw new InvalidOperationException("The sandbox has no cgroup yet.");
        var container = $"{Id}-{bundle.Name}";
        launched.Add(container);
        return new StepRun(crun, step, group.CreateChild(bundle.Name, CgroupOf(step.Limits)), container, bundle.Directory, time);
    }

    public StepReport Account(StepRun run, Outcome? stoppedFor) => run.Account(stoppedFor, Clone.UsedBytes, Clone.IsFull);

    public IReadOnlyList<OutputFile> CopyOut(IReadOnlyList<string> globs, string workingDirectory) =>
        globs.Count == 0 ? [] : new OutputFiles(Clone, workingDirectory).Collect(globs);

    /// <summary>
    /// Gives everything back, newest first. What fails does not keep the rest from being given back; the first fault is
    /// thrown at the end, and the lock file stays for the sweep to find.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (released) return;
        released = true;
        Exception? first = null;
        foreach (var giveBack in new Func<Task>[] { RemoveContainersAsync, RemoveCgroupAsync, RemoveClone })
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

        if (first is null) File.Delete(LockFile);
        slice?.Dispose();
        hold.Dispose();
        if (first is not null) throw new ContingiousException($"{Id} was not given back whole: {first.Message}", first);
    }

    private async Task RemoveContainersAsync()
    {
        if (cgroup is not null) await cgroup.KillAsync(spared: 0, TimeSpan.FromSeconds(10), time).ConfigureAwait(false);
        foreach (var container in launched.Where(crun.Knows)) await crun.DeleteAsync(container, CancellationToken.None).ConfigureAwait(false);
    }

    private Task RemoveCgroupAsync()
    {
        cgroup?.Remove();
        return Task.CompletedTask;
    }

    private Task RemoveClone()
    {
        RootfsClone.Discard(SandboxDirectory);
        return Task.CompletedTask;
    }

    private InputFiles InputOf(StepBundle bundle) => new(Clone, Slice.FirstId, bundle.User, bundle.WorkingDirectory, bundle.MountPoints);

    // RandomAccess reports ENOSPC as an IOException with the error number as its HResult.
    private static bool IsDiskFull(IOException error) =>
        error is LinuxException { Errno: Errno.ENOSPC or Errno.EDQUOT } || (error is not LinuxException && error.HResult is (int)Errno.ENOSPC or (int)Errno.EDQUOT);

    private static CgroupLimits CgroupOf(Limits limits) => new(limits.Memory.Bytes, limits.Processes + StepRun.OwnProcesses, limits.Cpus);
}

/// <summary>A step's bundle, and what was resolved for it.</summary>
internal sealed record StepBundle(string Name, string Directory, ContainerUser User, string WorkingDirectory, IReadOnlyList<string> MountPoints);
