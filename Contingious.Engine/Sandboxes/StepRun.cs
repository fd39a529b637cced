using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>What a step's command is run with, in a container that waits for it.</summary>
internal sealed record StepLaunch
{
    public required StepPlan Plan { get; init; }

    public StepRequest Step => Plan.Step;

    public required InitOrder Order { get; init; }

    public required NetworkMode Network { get; init; }

    /// <summary>The cgroup of the whole job.</summary>
    public required Cgroup JobCgroup { get; init; }

    public required JobBudget Budget { get; init; }

    public required JobDisk Disk { get; init; }

    /// <summary>Told what the step writes, while it writes it.</summary>
    public IRunObserver? Observer { get; init; }
}

/// <summary>
/// One step's command from its order to its account: released at an instant that is known, watched by the cgroup's own clock, killed whole, and only then
/// drained and judged. Its container is given back after that.
/// </summary>
internal sealed class StepRun : IAsyncDisposable
{
    private static readonly TimeSpan beginPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan initPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan diskInterval = TimeSpan.FromMilliseconds(250);

    private readonly StepLaunch launch;
    private readonly StepContainer container;
    private readonly TimeProvider time;
    private readonly OutputCapture stdout;
    private readonly OutputCapture stderr;
    private readonly CancellationTokenSource feeding = new();
    private readonly long diskBefore;
    private Task fed = Task.CompletedTask;
    private PipeReader? stdoutReader;
    private PipeReader? stderrReader;
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
    private TimeSpan atRest;
    private StallTimes? ownStalls;
    private StallTimes? stalls;
    private TimeSpan wallTime;
    private bool isStopped;

    private StepRun(StepLaunch launch, StepContainer container, TimeProvider time)
    {
        this.launch = launch;
        this.container = container;
        this.time = time;
        diskBefore = launch.Disk.Use().UsedBytes;
        stdout = Capture(launch.Step.Limits.Stdout, isStderr: false);
        stderr = Capture(launch.Step.Limits.Stderr, isStderr: true);
    }

    private Cgroup Cgroup => container.Cgroup;

    private ContainerInit? Init => container.Init;

    private long Produced => stdout.Produced + stderr.Produced;

    /// <summary>CLOCK_MONOTONIC since boot, the clock that the init reports by.</summary>
    private TimeSpan Now => TimeSpan.FromSeconds((double)time.GetTimestamp() / time.TimestampFrequency);

    /// <summary>Has a waiting container run the step's command. From here on the container is the run's to give back.</summary>
    /// <exception cref="ContingiousException">The runtime could not run the container, or the command's limits cannot be set on this host.</exception>
    public static async Task<StepRun> BeginAsync(StepLaunch launch, StepContainer container, TimeProvider time)
    {
        var run = new StepRun(launch, container, time);
        try
        {
            await run.BeginAsync().ConfigureAwait(false);
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
            throw new ContingiousException($"The command of the step '{launch.Step.Name}' did not begin within {beginPatience.TotalSeconds} s. Is the host overloaded?", error);
        }
    }

    /// <summary>Waits for the step's end or for a limit to be passed.</summary>
    /// <returns>The limit, or nothing where the step ended by itself.</returns>
    public async Task<Outcome?> WaitAsync(CancellationToken cancellation)
    {
        var diskLooked = Now;
        while (Init is not null && failed is null)
        {
            if (next.IsCompleted && !await TakeReportAsync().ConfigureAwait(false)) return null;
            if (quiet) return null;
            if (cancellation.IsCancellationRequested) return Outcome.Cancelled;
            if (Cgroup.ReadOomKills() > 0) return Outcome.MemoryLimit;

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

    /// <summary>Kills what is left, takes the counters at rest, and what is still in the pipes. The container stays, empty, until the run is disposed.</summary>
    /// <exception cref="ContingiousException">Something of the step cannot be killed.</exception>
    public async ValueTask StopAsync()
    {
        await EndCommandAsync().ConfigureAwait(false);
        counters = Cgroup.Read();
        atRest = counters.CpuTime;
        stalls = Cgroup.ReadStalls();
        wallTime = started == default ? default : (ended?.Time ?? Now) - started;
        isStopped = true;

        // All who could write are dead, unless the runtime passes on what they wrote.
        if (container.RelaysStreams || Init is null) await container.EndAsync().ConfigureAwait(false);
        stdoutReader?.TakeRest();
        stderrReader?.TakeRest();
        launch.Budget.Spend(wallTime, Produced);
    }

    /// <summary>The step's report, once it has been stopped.</summary>
    /// <exception cref="ContingiousException">The runtime could not run the container at all.</exception>
    public StepReport Account(Outcome? stoppedFor, bool attended)
    {
        var complaint = container.Complaint();
        if (ended is null && failed is null && stoppedFor is null && counters.OomKills == 0 && complaint.Length > 0)
        {
            throw new ContingiousException($"{container.RuntimeName} could not run the step '{launch.Step.Name}': {complaint}");
        }

        if (counters.OomKills > 0 && stoppedFor != Outcome.Cancelled && !Cgroup.HasMetMemoryLimit() && !launch.JobCgroup.HasMetMemoryLimit())
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
                PeakProcesses = Math.Max(0, counters.PeakProcesses - container.OwnProcesses),
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

    /// <summary>Lets the runtime clean up behind the container. What that costs is not the job's.</summary>
    public async ValueTask DisposeAsync()
    {
        await feeding.CancelAsync().ConfigureAwait(false);
        stdoutReader?.Dispose();
        stderrReader?.Dispose();
        if (network is not null) await network.DisposeAsync().ConfigureAwait(false);
        await container.EndAsync().ConfigureAwait(false);
        if (isStopped) launch.Budget.Exempt(Cgroup.ReadCpuTime() - atRest + container.TakeCpuTimeBeside());
        await container.DisposeAsync().ConfigureAwait(false);

        // Only now nobody can read any more, and a writer that is blocked is told so.
        await fed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        feeding.Dispose();
    }

    /// <summary>From the waiting init to its command's exec. Nothing happens where the container did not get so far.</summary>
    private async Task BeginAsync()
    {
        stdoutReader = PipeReader.Begin(container.Program.StdoutPipe, stdout.Append);
        stderrReader = PipeReader.Begin(container.Program.StderrPipe, stderr.Append);
        if (Init is not { } init) return;
        using var patience = new CancellationTokenSource(beginPatience, time);
        launch.Budget.Exempt(container.CpuTimeBeside);
        if (launch.Network == NetworkMode.Internet) network = await Slirp.StartAsync(container.InitProgram, init.Pid, launch.JobCgroup.CreateChild("network").JoinFiles, patience.Token).ConfigureAwait(false);
        fed = container.Program.WriteStdinAsync(launch.Step.Stdin, feeding.Token);

        // Up to here, everything in the step's cgroup was the runtime's own.
        ownMemory = Cgroup.ResetPeakMemory();
        ownCpuTime = Cgroup.ReadCpuTime();
        ownStalls = Cgroup.ReadStalls();
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

    private TimeSpan CpuTime() => Cgroup.ReadCpuTime() - ownCpuTime;

    /// <summary>Takes the report that has come.</summary>
    /// <returns>Whether there can be another one.</returns>
    private async Task<bool> TakeReportAsync()
    {
        if (Init is not { } init || await next.ConfigureAwait(false) is not { } report) return false;
        if (report.Kind == InitReportKind.Ended) ended = report;
        if (report.Kind == InitReportKind.Quiet) quiet = true;
        next = init.ReadAsync(CancellationToken.None);
        return true;
    }

    /// <summary>Has the init kill everything, which nothing can fork away from; where it does not answer, kills the whole cgroup from outside.</summary>
    private async Task EndCommandAsync()
    {
        var asked = Now;
        if (!quiet) Init?.Kill();
        while (Init is not null && !quiet && Now - asked < initPatience)
        {
            if (next.IsCompleted && !await TakeReportAsync().ConfigureAwait(false)) break;
            if (!quiet) await Task.WhenAny(next, Task.Delay(initPatience, time)).ConfigureAwait(false);
        }

        if (!quiet) await container.KillAsync().ConfigureAwait(false);
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
