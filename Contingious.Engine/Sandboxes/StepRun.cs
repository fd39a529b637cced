using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>What a step's container is run with.</summary>
internal sealed record StepLaunch
{
    public required StepPlan Plan { get; init; }

    public StepRequest Step => Plan.Step;

    public required InitOrder Order { get; init; }

    /// <summary>The container's id.</summary>
    public required string Container { get; init; }

    /// <summary>The directory of its config.json.</summary>
    public required string BundleDirectory { get; init; }

    /// <summary>Who the container's root is, as the keeper numbers it.</summary>
    public required uint RootId { get; init; }

    public required NetworkMode Network { get; init; }

    public required Cgroup Cgroup { get; init; }

    /// <summary>Where the runtime is meanwhile.</summary>
    public required RuntimePlace Place { get; init; }

    /// <summary>The cgroup of the whole job.</summary>
    public required Cgroup JobCgroup { get; init; }

    public required JobBudget Budget { get; init; }

    public required JobDisk Disk { get; init; }

    /// <summary>Told what the step writes, while it writes it.</summary>
    public IRunObserver? Observer { get; init; }
}

/// <summary>
/// One step's container from launch to account: parked by its init, released at an instant that is known, watched by the
/// cgroup's own clock, killed whole, and only then drained and judged.
/// </summary>
internal sealed class StepRun : IAsyncDisposable
{
    private static readonly TimeSpan setUpPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan initPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan killPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan drainPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan diskInterval = TimeSpan.FromMilliseconds(250);

    private readonly StepLaunch launch;
    private readonly OciRuntime runtime;
    private readonly TimeProvider time;
    private readonly RunningProgram program;
    private readonly OutputCapture stdout;
    private readonly OutputCapture stderr;
    private readonly CancellationTokenSource draining = new();
    private readonly Task drained;
    private readonly long diskBefore;
    private ContainerInit? init;
    private Slirp? network;
    private Task<InitReport?> next = Task.FromResult<InitReport?>(null);
    private TimeSpan ownCpuTime;
    private long ownMemory;
    private TimeSpan started;
    private InitReport? failed;
    private InitReport? ended;
    private bool quiet;
    private bool byJob;
    private CgroupCounters counters;
    private StallTimes? ownStalls;
    private StallTimes? stalls;
    private TimeSpan wallTime;

    private StepRun(StepLaunch launch, OciRuntime runtime, TimeProvider time)
    {
        this.launch = launch;
        this.runtime = runtime;
        this.time = time;
        diskBefore = launch.Disk.Use().UsedBytes;
        stdout = Capture(launch.Step.Limits.Stdout, isStderr: false);
        stderr = Capture(launch.Step.Limits.Stderr, isStderr: true);
        program = ProgramRunner.Start(runtime.Run(launch.Container, launch.BundleDirectory, launch.Place.JoinFiles, Complaint));
        drained = Task.WhenAll(
            program.WriteStdinAsync(launch.Step.Stdin, draining.Token),
            stdout.DrainAsync(program.Stdout, draining.Token),
            stderr.DrainAsync(program.Stderr, draining.Token));
    }

    private string Complaint => $"{launch.BundleDirectory}/runtime.log";

    private long Produced => stdout.Produced + stderr.Produced;

    /// <summary>CLOCK_MONOTONIC since boot, the clock that the init reports by.</summary>
    private TimeSpan Now => TimeSpan.FromSeconds((double)time.GetTimestamp() / time.TimestampFrequency);

    /// <summary>Launches the step's container and, once it is ready, its command.</summary>
    /// <exception cref="ContingiousException">The runtime could not run the container, or the command's limits cannot be set on this host.</exception>
    public static async Task<StepRun> LaunchAsync(StepLaunch launch, OciRuntime runtime, TimeProvider time)
    {
        using var tools = DirectoryHandle.Open(StepBundle.ToolsDirectory(launch.BundleDirectory));
        using var listener = UnixListener.Listen(tools, StepBundle.SocketName, launch.RootId);
        var run = new StepRun(launch, runtime, time);
        try
        {
            await run.ReleaseCommandAsync(listener, tools).ConfigureAwait(false);
            return run;
        }
        catch (Exception error)
        {
            try
            {
                await run.StopAsync().ConfigureAwait(false);
            }
            catch (Exception second) when (second is ContingiousException or IOException)
            {
                // It must not hide the first fault; what is left of the step is the sandbox's release to kill.
            }

            await run.DisposeAsync().ConfigureAwait(false);
            if (error is not OperationCanceledException) throw;
            throw new ContingiousException($"The container of the step '{launch.Step.Name}' was not ready within {setUpPatience.TotalSeconds} s. Is the host overloaded?", error);
        }
    }

    /// <summary>Waits for the step's end or for a limit to be passed.</summary>
    /// <returns>The limit, or nothing where the step ended by itself.</returns>
    public async Task<Outcome?> WaitAsync(CancellationToken cancellation)
    {
        var diskLooked = Now;
        while (init is not null && failed is null)
        {
            if (next.IsCompleted && !await TakeReportAsync().ConfigureAwait(false)) return null;
            if (quiet) return null;
            if (cancellation.IsCancellationRequested) return Outcome.Cancelled;
            if (launch.Cgroup.ReadOomKills() > 0) return Outcome.MemoryLimit;

            // Its time is over once it has ended; what it left behind is being killed.
            var elapsed = (ended?.Time ?? Now) - started;
            var limits = launch.Step.Limits;
            var left = new Remainder(limits.CpuTime - CpuTime(), limits.WallTime - elapsed, limits.ProducedOutput.Bytes - Produced);
            var ofJob = launch.Budget.Left(elapsed, Produced);
            byJob = left.Passed is null && ofJob.Passed is not null;
            if ((left.Passed ?? ofJob.Passed) is { } passed) return passed;
            if (ended is { } end && Now - end.Time > initPatience) return null;
            if (!launch.Disk.IsStrict && Now - diskLooked > diskInterval)
            {
                diskLooked = Now;
                if (launch.Disk.Use().IsOver) return Outcome.DiskLimit;
            }

            var pause = Watchdog.Pause(Least(left.CpuTime, ofJob.CpuTime), Least(left.WallTime, ofJob.WallTime), limits.Cpus);
            await Task.WhenAny(next, Task.Delay(pause, time, cancellation)).ConfigureAwait(false);
        }

        return null;
    }

    /// <summary>Kills what is left, takes the counters at rest, lets the runtime clean up behind its container, and drains the pipes within a bound.</summary>
    /// <exception cref="ContingiousException">Something of the step cannot be killed.</exception>
    public async ValueTask StopAsync()
    {
        await EndCommandAsync().ConfigureAwait(false);
        var atRest = launch.Cgroup.ReadCpuTime();
        counters = launch.Cgroup.Read();
        stalls = launch.Cgroup.ReadStalls();
        wallTime = started == default ? default : (ended?.Time ?? Now) - started;
        launch.Budget.Spend(wallTime, Produced);
        init?.Dispose();
        if (network is not null) await network.DisposeAsync().ConfigureAwait(false);

        using var patience = new CancellationTokenSource(killPatience, time);
        try
        {
            await program.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            program.Kill();
            await program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        launch.Budget.Exempt(launch.Cgroup.ReadCpuTime() - atRest + launch.Place.TakeCpuTime());

        // A descendant cannot hold the pipes any more; the bound is for the day when this is wrong.
        draining.CancelAfter(drainPatience);
        await drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (runtime.Knows(launch.Container)) await runtime.DeleteAsync(launch.Container, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The step's report, once it has been stopped.</summary>
    /// <exception cref="ContingiousException">The runtime could not run the container at all.</exception>
    public StepReport Account(Outcome? stoppedFor, bool attended)
    {
        var complaint = runtime.ReadLog(Complaint);
        if (ended is null && failed is null && stoppedFor is null && counters.OomKills == 0 && complaint.Length > 0)
        {
            throw new ContingiousException($"{runtime.Name} could not run the step '{launch.Step.Name}': {complaint}");
        }

        if (counters.OomKills > 0 && stoppedFor != Outcome.Cancelled && !launch.Cgroup.HasMetMemoryLimit() && !launch.JobCgroup.HasMetMemoryLimit())
        {
            throw new ContingiousException($"The kernel killed {counters.OomKills} process(es) of the step '{launch.Step.Name}' for the want of memory, and neither the step nor its job had used up theirs: this host, or the unit that runs the jobs (MemoryMax=), has less memory than the jobs that run at once were promised.");
        }

        var disk = launch.Disk.Use();
        var report = Verdict.Report(
            launch.Step,
            new StepObservation
            {
                Ended = ended,
                Failed = failed,
                StoppedFor = stoppedFor,
                ByJob = byJob,
                JobLimits = launch.Budget.Limits,
                OomKills = counters.OomKills,
                ForksRefused = counters.ForksRefused,
                CpuTime = started == default ? default : counters.CpuTime - ownCpuTime,
                WallTime = wallTime,
                PeakMemoryBytes = Math.Max(0, counters.PeakMemoryBytes - ownMemory),
                PeakProcesses = Math.Max(0, counters.PeakProcesses - runtime.OwnProcesses),
                Stalled = stalls is { } all && ownStalls is { } own && started != default ? all - own : null,
                MemoryInFilesBytes = launch.JobCgroup.ReadMemoryInFiles(),
                Disk = disk,
                DiskBackend = launch.Disk.Backend,
                DiskIsStrict = launch.Disk.IsStrict,
                DiskWrittenBytes = Math.Max(0, disk.UsedBytes - diskBefore),
                Attended = attended,
            },
            stdout,
            stderr);
        return report.Field.Length == 0 ? report : report with { Field = $"steps[{launch.Plan.Index}].{report.Field}" };
    }

    public async ValueTask DisposeAsync()
    {
        await draining.CancelAsync().ConfigureAwait(false);
        draining.Dispose();
        init?.Dispose();
        if (network is not null) await network.DisposeAsync().ConfigureAwait(false);
        launch.Cgroup.StopCounting();
        program.Dispose();
    }

    /// <summary>From the container's init being there to its command's exec. Nothing comes back where the container does not get that far.</summary>
    private async Task ReleaseCommandAsync(UnixListener listener, DirectoryHandle tools)
    {
        using var patience = new CancellationTokenSource(setUpPatience, time);
        using var accepting = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        var connected = listener.AcceptAsync(accepting.Token);
        await Task.WhenAny(connected, program.WaitAsync(patience.Token)).ConfigureAwait(false);
        if (!connected.IsCompletedSuccessfully)
        {
            await accepting.CancelAsync().ConfigureAwait(false);
            await ((Task)connected).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (connected.IsCompletedSuccessfully) (await connected.ConfigureAwait(false)).Dispose();
            return;
        }

        init = new ContainerInit(await connected.ConfigureAwait(false));
        tools.RemoveFile("agent"u8);
        if (await init.ReadAsync(patience.Token).ConfigureAwait(false) is not { Kind: InitReportKind.Ready }) return;
        launch.Budget.Exempt(launch.Place.HandOver(init.Pid));
        if (launch.Network == NetworkMode.Internet) network = await Slirp.StartAsync(init.Pid, launch.JobCgroup.CreateChild("network").JoinFiles, patience.Token).ConfigureAwait(false);

        // Up to here, everything in the step's cgroup was the runtime's own.
        ownMemory = launch.Cgroup.ResetPeakMemory();
        ownCpuTime = launch.Cgroup.ReadCpuTime();
        ownStalls = launch.Cgroup.ReadStalls();
        launch.Budget.Exempt(ownCpuTime);
        await init.SendAsync(launch.Order, patience.Token).ConfigureAwait(false);
        next = init.ReadAsync(CancellationToken.None);
        var report = await next.WaitAsync(patience.Token).ConfigureAwait(false);
        if (report is { Kind: InitReportKind.Started } start)
        {
            started = start.Time;
            launch.Observer?.StepStarted(launch.Step.Name);
        }

        if (report is { Kind: InitReportKind.Failed } failure) failed = failure;
        if (failed is { Stage: not ((int)InitStage.Exec or (int)InitStage.Interpreter or (int)InitStage.Directory) } ours) throw Verdict.SetUpFault(launch.Step, ours);
        next = init.ReadAsync(CancellationToken.None);
    }

    private OutputCapture Capture(ByteSize limit, bool isStderr)
    {
        if (launch.Observer is not { } observer) return new OutputCapture(limit.Bytes);
        var step = launch.Step.Name;
        return new OutputCapture(limit.Bytes, bytes => observer.StepWrote(step, isStderr, bytes));
    }

    private TimeSpan CpuTime() => launch.Cgroup.ReadCpuTime() - ownCpuTime;

    /// <summary>Takes the report that has come.</summary>
    /// <returns>Whether there can be another one.</returns>
    private async Task<bool> TakeReportAsync()
    {
        if (init is null || await next.ConfigureAwait(false) is not { } report) return false;
        if (report.Kind == InitReportKind.Ended) ended = report;
        if (report.Kind == InitReportKind.Quiet) quiet = true;
        next = init.ReadAsync(CancellationToken.None);
        return true;
    }

    /// <summary>Has the init kill everything, which nothing can fork away from; where it does not answer, kills the whole cgroup from outside.</summary>
    private async Task EndCommandAsync()
    {
        var asked = Now;
        if (!quiet) init?.Kill();
        while (init is not null && !quiet && Now - asked < initPatience)
        {
            if (next.IsCompleted && !await TakeReportAsync().ConfigureAwait(false)) break;
            if (!quiet) await Task.WhenAny(next, Task.Delay(initPatience, time)).ConfigureAwait(false);
        }

        if (!quiet) await launch.Place.KillAsync(killPatience, time).ConfigureAwait(false);
        if (!quiet && !await launch.Cgroup.KillAsync(spared: program.Pid, killPatience, time).ConfigureAwait(false))
        {
            throw new ContingiousException($"Processes of {launch.Cgroup.Name} outlived SIGKILL for {killPatience.TotalSeconds} s.");
        }
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
