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

    /// <summary>Whether it was made ahead of its job, up to a container that waited for a command.</summary>
    public bool IsWarm { get; private set; }

    /// <summary>Whether it can still be used: its container waits for a command, or its runtime for a container.</summary>
    public bool IsWaiting => next is { Program.HasExited: false };

    private bool HasOtherName => jobHold is not null;

    /// <summary>The name by which a sandbox was made, of its directory, its cgroup and its containers: its own, unless it was made ahead of its job.</summary>
    /// <param name="layout">Where the account has its directories.</param>
    /// <param name="name">What it is called.</param>
    public static string PlaceOf(HostLayout layout, string name) => new FileInfo($"{layout.SandboxesDirectory}/{name}").LinkTarget ?? name;

    /// <summary>Makes a sandbox ahead of its job.</summary>
    /// <param name="host">Where.</param>
    /// <param name="shape">What it can be used for.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ContingiousException">It cannot be made; nothing is left of it.</exception>
    public static async Task<Sandbox> ParkAsync(SandboxHost host, SandboxShape shape, CancellationToken cancellation)
    {
        var request = new RunRequest { Id = SandboxId.NewParked(), Image = shape.Image, Steps = [new StepRequest()], Network = shape.Network };
        var sandbox = Claim(host, request);
        try
        {
            await sandbox.CreateCgroupAsync(first: null).ConfigureAwait(false);
            sandbox.JobCgroup.StandBack(true);

            // Of cgroup v1 none may have more of the CPUs than its parent, which is told first what its job may have.
            await sandbox.PrepareAsync(StepPlan.NameOf(0), sandbox.LimitsOf(request.Steps[0]) with { Cpus = double.PositiveInfinity }).ConfigureAwait(false);
            if (shape == SandboxShape.Any) return sandbox;
            var plan = shape.Plans[0];
            sandbox.CloneRootfs(plan, shape.Plans, cancellation);
            sandbox.WriteContainer(sandbox.BundleOf(plan));
            sandbox.Mounts.PrepareStep();
            if (sandbox.next is not { } container) throw new InvalidOperationException("No container is prepared.");
            await container.StartAsync().ConfigureAwait(false);
            if (container.Init is null) throw new ContingiousException($"{host.Runtime.Name} could not run a container of {shape.Image}: {container.Complaint()}");
            return sandbox;
        }
        catch
        {
            await sandbox.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="Claim"/>, and takes a sandbox that was made ahead, where there is one.</summary>
    /// <param name="host">Where.</param>
    /// <param name="request">The job.</param>
    /// <param name="take">Gives a sandbox that fits the job, which is this one's to give back.</param>
    /// <exception cref="CapacityException">A live sandbox has that name.</exception>
    public static async ValueTask<Sandbox> ClaimAsync(SandboxHost host, RunRequest request, Func<ValueTask<Sandbox?>> take)
    {
        var hold = Hold(host, request.Id);
        try
        {
            // Something of a killed one has the name: it goes when the name's own sandbox is made.
            if (Path.Exists(host.DirectoryOf(request.Id.Value)) || await take().ConfigureAwait(false) is not { } parked) return new Sandbox(host, request, hold);
            parked.jobHold = hold;
            parked.request = request;
            parked.IsWarm = parked.next is { Init: not null };
            return parked;
        }
        catch
        {
            File.Delete(host.LockOf(request.Id.Value));
            hold.Dispose();
            throw;
        }
    }

    private static FileLock Hold(SandboxHost host, SandboxId id) => FileLock.TryClaim(host.LockOf(id.Value))
        ?? throw new CapacityException($"{id} is running on this host already. Give each job an id of its own, or wait for that one's result.");

    /// <summary>The job has a name by which people know it; what was made by another one is found by a link.</summary>
    private void TakeName() => Directory.CreateSymbolicLink(host.DirectoryOf(Id.Value), place.Value);

    private void LeaveName()
    {
        if (!HasOtherName) return;
        JobDisk.Discard(host.Layout, host.DirectoryOf(Id.Value));
        File.Delete(host.LockOf(Id.Value));
    }
}
