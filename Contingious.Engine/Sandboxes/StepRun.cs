using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// One step's container from launch to account: started in the step's cgroup, watched by the cgroup's own clock, killed
/// whole, and only then drained and judged.
/// </summary>
internal sealed class StepRun : IDisposable
{
    /// <summary>Processes of ours in the step's cgroup: crun, which waits, and the container's init.</summary>
    public const int OwnProcesses = 2;

    private static readonly TimeSpan killPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan drainPatience = TimeSpan.FromSeconds(2);

    private readonly Crun crun;
    private readonly StepRequest step;
    private readonly Cgroup cgroup;
    private readonly TimeProvider time;
    private readonly RunningProgram program;
    private readonly long started;
    private readonly string container;
    private readonly string log;
    private readonly OutputCapture stdout;
    private readonly OutputCapture stderr;
    private readonly CancellationTokenSource draining = new();
    private readonly Task drained;
    private TimeSpan? wallTime;

    /// <summary>Launches the step's container.</summary>
    public StepRun(Crun crun, StepRequest step, Cgroup cgroup, string container, string bundle, TimeProvider time)
    {
        this.crun = crun;
        this.step = step;
        this.cgroup = cgroup;
        this.container = container;
        this.time = time;
        log = $"{bundle}/crun.log";
        stdout = new OutputCapture(step.Limits.Stdout.Bytes);
        stderr = new OutputCapture(step.Limits.Stderr.Bytes);
        program = ProgramRunner.Start(crun.Run(container, bundle, cgroup.JoinFiles, log));
        started = time.GetTimestamp();
        drained = Task.WhenAll(
            program.WriteStdinAsync(step.Stdin, draining.Token),
            stdout.DrainAsync(program.Stdout, draining.Token),
            stderr.DrainAsync(program.Stderr, draining.Token));
    }

    /// <summary>Waits for the step's end or for a limit to be passed.</summary>
    /// <returns>The limit, or nothing where the step ended by itself.</returns>
    public async Task<Outcome?> WaitAsync(CancellationToken cancellation)
    {
        var ended = program.WaitAsync(CancellationToken.None);
        while (!ended.IsCompleted)
        {
            if (cancellation.IsCancellationRequested) return Outcome.Cancelled;
            var cpuTime = cgroup.ReadCpuTime();
            var elapsed = time.GetElapsedTime(started);
            if (cgroup.ReadOomKills() > 0) return Outcome.MemoryLimit;
            if (cpuTime > step.Limits.CpuTime) return Outcome.CpuTimeLimit;
            if (elapsed > step.Limits.WallTime) return Outcome.WallTimeLimit;
            if (stdout.Produced + stderr.Produced > step.Limits.ProducedOutput.Bytes) return Outcome.OutputLimit;
            var pause = Watchdog.Pause(step.Limits.CpuTime - cpuTime, step.Limits.WallTime - elapsed, step.Limits.Cpus);
            await Task.WhenAny(ended, Task.Delay(pause, time, cancellation)).ConfigureAwait(false);
        }

        wallTime = time.GetElapsedTime(started);
        return null;
    }

    /// <summary>Kills what is left, waits for crun to have cleaned up behind its container, and drains the pipes within a bound.</summary>
    /// <exception cref="ContingiousException">Something of the step cannot be killed.</exception>
    public async ValueTask StopAsync()
    {
        if (!await cgroup.KillAsync(spared: program.Pid, killPatience, time).ConfigureAwait(false))
        {
            throw new ContingiousException($"Processes of {cgroup.Name} outlived SIGKILL for {killPatience.TotalSeconds} s.");
        }

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

        wallTime ??= time.GetElapsedTime(started);

        // A descendant cannot hold the pipes any more; the bound is for the day when this is wrong.
        draining.CancelAfter(drainPatience);
        await drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (crun.Knows(container)) await crun.DeleteAsync(container, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The step's report, once it has been stopped.</summary>
    /// <exception cref="ContingiousException">crun could not run the container at all.</exception>
    public StepReport Account(Outcome? stoppedFor, long diskUsedBytes, bool diskFull)
    {
        var counters = cgroup.Read();
        var complaint = Crun.ReadLog(log);
        if (complaint.Length > 0 && stoppedFor is null && counters.OomKills == 0)
        {
            throw new ContingiousException($"crun could not run the step '{step.Name}': {complaint}");
        }

        return Verdict.Report(
            step,
            new StepObservation(program.ExitCode, counters, wallTime ?? time.GetElapsedTime(started), stoppedFor, diskUsedBytes, diskFull, stdout.Produced + stderr.Produced),
            stdout,
            stderr);
    }

    public void Dispose()
    {
        draining.Cancel();
        draining.Dispose();
        program.Dispose();
    }
}
