using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>A sandbox that is made ahead of its job.</summary>
internal sealed partial class Sandbox
{
    private FileLock? jobHold;
    private StepContainer? waiting;

    /// <summary>Whether it was made ahead of its job.</summary>
    public bool IsWarm => jobHold is not null;

    /// <summary>Whether a container of it waits for a command.</summary>
    public bool IsWaiting => waiting is { Program.HasExited: false };

    /// <summary>The name by which a sandbox was made, of its directory, its cgroup and its containers: its own, unless it was made ahead of its job.</summary>
    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="name">What it is called.</param>
    public static string PlaceOf(HostLayout layout, string name) => new FileInfo($"{layout.SandboxesDirectory}/{name}").LinkTarget ?? name;

    /// <summary>Makes a sandbox ahead of its job.</summary>
    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="options">What the operator decides.</param>
    /// <param name="shape">What it can be used for.</param>
    /// <param name="initProgram">The containers' init.</param>
    /// <param name="home">Below which cgroup.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ContingiousException">It cannot be made; nothing is left of it.</exception>
    public static async Task<Sandbox> ParkAsync(HostLayout layout, EngineOptions options, SandboxShape shape, string initProgram, Cgroup home, TimeProvider time, CancellationToken cancellation)
    {
        var request = new RunRequest { Id = SandboxId.NewParked(), Image = shape.Image, Steps = [new StepRequest()], Network = shape.Network };
        var sandbox = Claim(layout, options, request, time);
        try
        {
            sandbox.CloneRootfs(shape.Plans[0], shape.Plans, cancellation);
            var bundle = sandbox.WriteSpec(shape.Plans[0], initProgram, home);
            await sandbox.CreateCgroupAsync(home).ConfigureAwait(false);
            sandbox.JobCgroup.StandBack(true);
            sandbox.Mounts.PrepareStep();

            // Of cgroup v1 none may have more of the CPUs than its parent, which is told first what its job may have.
            sandbox.waiting = await sandbox.StartAsync(bundle, sandbox.LimitsOf(bundle.Plan.Step) with { Cpus = double.PositiveInfinity }).ConfigureAwait(false);
            if (sandbox.waiting.Init is null) throw new ContingiousException($"{sandbox.runtime.Name} could not run a container of {shape.Image}: {sandbox.waiting.Complaint()}");
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="Claim"/>, and takes a sandbox that was made ahead, where there is one.</summary>
    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="options">What the operator decides.</param>
    /// <param name="request">The job.</param>
    /// <param name="take">Gives a sandbox that fits the job, which is this one's to give back.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="CapacityException">A live sandbox has that name.</exception>
    public static async ValueTask<Sandbox> ClaimAsync(HostLayout layout, EngineOptions options, RunRequest request, Func<ValueTask<Sandbox?>> take, TimeProvider time)
    {
        var hold = Hold(layout, request.Id);
        try
        {
            // Something of a killed one has the name: it goes when the name's own sandbox is made.
            if (Path.Exists($"{layout.SandboxesDirectory}/{request.Id}") || await take().ConfigureAwait(false) is not { } parked) return new Sandbox(layout, options, request, hold, time);
            parked.jobHold = hold;
            parked.request = request;
            return parked;
        }
        catch
        {
            File.Delete($"{layout.LocksDirectory}/{request.Id}");
            hold.Dispose();
            throw;
        }
    }

    private static FileLock Hold(HostLayout layout, SandboxId id) => FileLock.TryClaim($"{layout.LocksDirectory}/{id}")
        ?? throw new CapacityException($"{id} is running on this host already. Give each job an id of its own, or wait for that one's result.");

    /// <summary>The job has a name by which people know it; what was made by another one is found by a link.</summary>
    private void TakeName() => Directory.CreateSymbolicLink($"{layout.SandboxesDirectory}/{Id}", $"{place}");

    private void LeaveName()
    {
        if (jobHold is null) return;
        JobDisk.Discard(layout, $"{layout.SandboxesDirectory}/{Id}");
        File.Delete($"{layout.LocksDirectory}/{Id}");
    }

    /// <summary>Gives back the container that waits for a command which never came.</summary>
    private async Task LeaveWaitingAsync()
    {
        var leaving = waiting;
        waiting = null;
        if (leaving is not null) await leaving.DisposeAsync().ConfigureAwait(false);
    }
}
