using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;
using Microsoft.Extensions.Logging;

namespace Contingious.Engine;

/// <summary>
/// Runs jobs in sandboxes. Lives inside the keeper's namespace. What a submission does is in the report; only our own
/// faults are thrown.
/// </summary>
public sealed class SandboxEngine : IAsyncDisposable
{
    private readonly SandboxHost host;
    private readonly EngineOptions options;
    private readonly ImageStore images;
    private readonly SandboxTable table;
    private readonly SandboxPool pool;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    private SandboxEngine(HostLayout layout, EngineOptions options, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.time = time;
        this.logger = logger;
        var homes = CgroupHomes.Of(layout);
        host = new SandboxHost
        {
            Layout = layout,
            Options = options,
            Runtime = OciRuntime.InstalledOf(options.Runtime, layout),
            InitProgram = InstalledInit.In(layout),
            Home = homes.OpenOwn(),
            Time = time,
        };
        images = new ImageStore(options.ImagesDirectory ?? layout.ImagesDirectory);
        table = new SandboxTable(layout, homes, time, logger);
        pool = new SandboxPool(options.Pool, ParkAsync, IsCurrent, time, logger);
    }

    /// <summary>Opens the engine of this process's account and sweeps up what a killed one left.</summary>
    /// <exception cref="HostNotReadyException">The host lacks something that no job can run without.</exception>
    public static async Task<SandboxEngine> OpenAsync(HostLayout layout, EngineOptions options, TimeProvider time, ILogger logger)
    {
        var engine = new SandboxEngine(layout, options, time, logger);
        engine.host.Runtime.RequireUsable(engine.host.Home);
        Telemetry.Swept(await engine.table.SweepAsync().ConfigureAwait(false));
        engine.pool.Refill();
        return engine;
    }

    /// <summary>As <see cref="RunAsync(RunRequest, IRunObserver, CancellationToken)"/>, with nobody watching.</summary>
    public Task<RunReport> RunAsync(RunRequest request, CancellationToken cancellation) => RunAsync(request, observer: null, cancellation);

    /// <summary>Runs one job from its image to its report. The stages are those of <see cref="Stage"/>, in order.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="observer">Told what happens while it happens, or nobody.</param>
    /// <param name="cancellation">Ends the job early: in a report that says so where a step was running, else in an exception.</param>
    /// <exception cref="StageException">A stage failed for a reason that is not the submission's.</exception>
    /// <exception cref="CapacityException">The host has no room for one more sandbox now, or a live one has the name; nothing was begun.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before a step ran.</exception>
    public async Task<RunReport> RunAsync(RunRequest request, IRunObserver? observer, CancellationToken cancellation)
    {
        var clock = new StageClock(time, request.Id.Value, options.Entering);
        var started = time.GetTimestamp();
        try
        {
            var report = await RunStagesAsync(request, observer, clock, cancellation).ConfigureAwait(false);
            var elapsed = time.GetElapsedTime(started);
            Log.Ended(logger, request.Id, report.Outcome, elapsed);
            return report with { Timings = clock.Timings };
        }
        catch (RejectedRequestException error)
        {
            return RunReport.Rejected(error.Field, error.Message) with { Timings = clock.Timings };
        }
        catch (ImageUnavailableException error)
        {
            return new RunReport { Outcome = Outcome.ImageUnavailable, Field = error.Field, Message = error.Message, Timings = clock.Timings };
        }
    }

    /// <summary>Gives up what was made ahead, and makes no more. Runs that are under way are not touched.</summary>
    public ValueTask DisposeAsync() => pool.DisposeAsync();

    /// <summary>Gives up what was made ahead, until the next job comes.</summary>
    public Task RestAsync() => pool.RestAsync();

    /// <summary>How many sandboxes wait for jobs.</summary>
    public int Parked => pool.Waiting;

    /// <summary>The sandboxes of this account that are live now, whichever process owns them.</summary>
    public IReadOnlyList<LiveSandbox> List() => table.Live();

    private async Task<RunReport> RunStagesAsync(RunRequest request, IRunObserver? observer, StageClock clock, CancellationToken cancellation)
    {
        if (request.Steps.Count == 0) throw new RejectedRequestException("steps", "A job needs at least one step.");
        if (request.Network == NetworkMode.Internet && !options.AllowInternet) throw new RejectedRequestException("network", "This host's operator allows no network for jobs (docs/operating.md says how to).");

        using var beginning = pool.Begin();

        // Prepare
        using var leased = clock.Run(Stage.LeaseImage, () => JobImages.Lease(images, request));                            // 1
        var plans = StepPlan.All(request, leased);
        var shape = SandboxShape.Of(request, plans, options.Disk);
        var sandbox = await Sandbox.ClaimAsync(host, request, () => pool.TakeAsync(shape, cancellation)).ConfigureAwait(false);
        Telemetry.Taken(sandbox.IsWarm);
        try
        {
            // A sandbox that was made ahead has these three, and is only given the job's limits.
            await clock.RunAsync(Stage.CreateCgroup, () => CreateCgroupAsync(sandbox, plans)).ConfigureAwait(false);      // 2
            clock.Run(Stage.CloneRootfs, () => sandbox.CloneRootfs(plans[0], plans, cancellation));                       // 3
            var bundles = clock.Run(Stage.WriteSpec, () => sandbox.WriteSpecs(plans));                                    // 4

            // Each step whose turn comes
            var reports = new List<StepReport>();
            foreach (var bundle in bundles.Where(bundle => bundle.Plan.IsDue(reports)))
            {
                clock.Step = bundle.Plan.Name;
                if (!sandbox.Has(bundle.Plan)) clock.Run(Stage.CloneRootfs, () => sandbox.CloneRootfs(bundle.Plan, plans, cancellation));
                if (await clock.RunAsync(Stage.CopyIn, () => sandbox.CopyInAsync(bundle.Plan)).ConfigureAwait(false) is { } obstructed) // 5
                {
                    reports.Add(obstructed);
                    observer?.StepEnded(obstructed);
                    continue;
                }

                options.Observer?.BeforeStep(sandbox.View(bundle.Plan));
                var run = await clock.RunAsync(Stage.Launch, () => sandbox.LaunchAsync(bundle, observer)).ConfigureAwait(false); // 6
                beginning.Runs();
                var stoppedFor = await clock.RunAsync(Stage.Wait, () => run.WaitAsync(cancellation)).ConfigureAwait(false); // 7
                await clock.RunAsync(Stage.Stop, run.StopAsync).ConfigureAwait(false);                                    // 8
                reports.Add(clock.Run(Stage.Account, () => sandbox.Account(run, stoppedFor)));                            // 9
                observer?.StepEnded(reports[^1]);
            }

            // End
            clock.Step = null;
            var outputs = clock.Run(Stage.CopyOut, sandbox.CopyOut);                                                      // 10
            options.Observer?.AfterSteps();
            var report = Conclude(leased.OfJob, reports, outputs) with { Warm = sandbox.IsWarm };
            observer?.Concluded(report with { Timings = [.. clock.Timings] });
            return report;
        }
        finally
        {
            clock.Step = null;
            await ReleaseAsync(sandbox, clock).ConfigureAwait(false);                                                     // 11
        }
    }

    private async ValueTask CreateCgroupAsync(Sandbox sandbox, IReadOnlyList<StepPlan> plans)
    {
        while (true)
        {
            try
            {
                await sandbox.CreateCgroupAsync(plans.FirstOrDefault(plan => plan.IsDue([]))).ConfigureAwait(false);
                return;
            }
            catch (CapacityException)
            {
                // What waits for a job must not keep one from running.
                if (!await pool.GiveWayAsync().ConfigureAwait(false)) throw;
            }
        }
    }

    private async Task<Sandbox> ParkAsync(SandboxShape shape, CancellationToken cancellation)
    {
        if (shape == SandboxShape.Any) return await Sandbox.ParkAsync(host, shape, cancellation).ConfigureAwait(false);
        using var lease = images.Lease(shape.Image);
        if (!shape.IsOf(lease.Image)) throw new ImageUnavailableException(shape.Image, $"The image {shape.Image} has been imported anew.");
        return await Sandbox.ParkAsync(host, shape, cancellation).ConfigureAwait(false);
    }

    private bool IsCurrent(SandboxShape shape)
    {
        if (shape == SandboxShape.Any) return true;
        try
        {
            using var lease = images.Lease(shape.Image);
            return shape.IsOf(lease.Image);
        }
        catch (ImageUnavailableException)
        {
            return false;
        }
    }

    // The job's fate is that of the first step that was not Ok; what ran after it was to clean up or to explain.
    private static RunReport Conclude(Image image, List<StepReport> steps, (IReadOnlyList<OutputFile> Files, bool Truncated) outputs)
    {
        if (steps.Count == 0) throw new RejectedRequestException("steps", "No step's turn came: at least the first must not wait for a failure.");
        var decisive = steps.FirstOrDefault(step => step.Outcome != Outcome.Ok) ?? steps[^1];
        return new RunReport
        {
            Outcome = decisive.Outcome,
            Message = decisive.Message,
            Field = decisive.Field,
            ImageDigest = image.Digest.ToString(),
            Steps = steps,
            Outputs = outputs.Files,
            OutputsTruncated = outputs.Truncated,
        };
    }

    // A fault here must not hide the job's own fate; what could not be given back is the sweep's.
    private async Task ReleaseAsync(Sandbox sandbox, StageClock clock)
    {
        try
        {
            await clock.RunAsync(Stage.Release, sandbox.DisposeAsync).ConfigureAwait(false);
        }
        catch (ContingiousException error)
        {
            Log.ReleaseFailed(logger, error, sandbox.Id.Value);
        }
    }
}
