using System.Security.Cryptography;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;
using Microsoft.Extensions.Logging;

namespace Contingious.Engine;

/// <summary>
/// Runs jobs in sandboxes. Lives inside the keeper's namespace. What a submission does is in the report; only our own
/// faults are thrown.
/// </summary>
public sealed class SandboxEngine
{
    private readonly HostLayout layout;
    private readonly ImageStore images;
    private readonly CgroupV1 account;
    private readonly SandboxTable table;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    private SandboxEngine(HostLayout layout, ImageStore images, CgroupV1 account, TimeProvider time, ILogger logger)
    {
        this.layout = layout;
        this.images = images;
        this.account = account;
        this.time = time;
        this.logger = logger;
        table = new SandboxTable(layout, account, time, logger);
    }

    /// <summary>Opens the engine of this process's account and sweeps up what a killed one left.</summary>
    /// <exception cref="HostNotReadyException">The host lacks something that no job can run without.</exception>
    public static async Task<SandboxEngine> OpenAsync(HostLayout layout, TimeProvider time, ILogger logger)
    {
        var mounts = CgroupMounts.Read();
        if (!mounts.HasV1) throw new HostNotReadyException($"This host has no cgroup v1 controllers ({string.Join(", ", CgroupV1.Controllers)}); a host with cgroup v2 alone is not supported yet.");
        var engine = new SandboxEngine(layout, new ImageStore(layout.ImagesDirectory), CgroupV1.OfAccount(mounts.V1, layout.CgroupName), time, logger);
        await engine.table.SweepAsync().ConfigureAwait(false);
        return engine;
    }

    /// <summary>Runs one job from its image to its report. The stages are those of <see cref="Stage"/>, in order.</summary>
    /// <exception cref="StageException">A stage failed for a reason that is not the submission's.</exception>
    public async Task<RunReport> RunAsync(RunRequest request, CancellationToken cancellation)
    {
        var clock = new StageClock(time);
        var started = time.GetTimestamp();
        try
        {
            var report = await RunStagesAsync(request, clock, cancellation).ConfigureAwait(false);
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
            return new RunReport { Outcome = Outcome.ImageUnavailable, Field = "image", Message = error.Message, Timings = clock.Timings };
        }
    }

    /// <summary>The sandboxes of this account that are live now, whichever process owns them.</summary>
    public IReadOnlyList<LiveSandbox> List() => table.Live();

    /// <summary>
    /// What to run for a further command inside a live sandbox's container. It has the step's own privileges and limits,
    /// and a cgroup of its own.
    /// </summary>
    /// <param name="sandbox">The sandbox's name, or its job's id.</param>
    /// <param name="args">Program and arguments.</param>
    /// <param name="terminal">Whether the command gets a terminal of its own.</param>
    /// <exception cref="ContingiousException">No such sandbox runs a container now.</exception>
    public ProgramRequest Exec(string sandbox, IReadOnlyList<string> args, bool terminal)
    {
        var container = table.FindContainer(sandbox)
            ?? throw new ContingiousException($"No live sandbox {sandbox} runs a container. 'contingious ps' lists those that do.");
        return container.Exec(args, terminal, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)));
    }

    private async Task<RunReport> RunStagesAsync(RunRequest request, StageClock clock, CancellationToken cancellation)
    {
        if (request.Steps.Count == 0) throw new RejectedRequestException("steps", "A job needs at least one step.");

        // Prepare
        using var lease = clock.Run(Stage.LeaseImage, () => images.Lease(request.Image));                                  // 1
        var image = lease.Image;
        var sandbox = Sandbox.Claim(layout, request.Id, time);
        try
        {
            clock.Run(Stage.CloneRootfs, () => sandbox.CloneRootfs(image, request.Limits, cancellation));                 // 2
            var bundles = clock.Run(Stage.WriteSpec, () => request.Steps.Select((_, i) => sandbox.WriteSpec(image, request, i)).ToList()); // 3
            clock.Run(Stage.CreateCgroup, () => sandbox.CreateCgroup(account, request.Limits));                           // 4

            // Each step, until one is not Ok
            var reports = new List<StepReport>();
            foreach (var (step, bundle) in request.Steps.Zip(bundles))
            {
                var obstructed = clock.Run(Stage.CopyIn, () => sandbox.CopyIn(bundle, request, reports.Count));            // 5
                if (obstructed is not null)
                {
                    reports.Add(obstructed);
                    break;
                }

                using var run = clock.Run(Stage.Launch, () => sandbox.Launch(bundle, step));                              // 6
                var stoppedFor = await clock.RunAsync(Stage.Wait, () => run.WaitAsync(cancellation)).ConfigureAwait(false); // 7
                await clock.RunAsync(Stage.Stop, run.StopAsync).ConfigureAwait(false);                                    // 8
                reports.Add(clock.Run(Stage.Account, () => sandbox.Account(run, stoppedFor)));                            // 9
                if (reports[^1].Outcome != Outcome.Ok) break;
            }

            // End
            var outputs = clock.Run(Stage.CopyOut, () => sandbox.CopyOut(request.Outputs, bundles[0].WorkingDirectory)); // 10
            return Conclude(image, reports, outputs);
        }
        finally
        {
            await ReleaseAsync(sandbox, clock).ConfigureAwait(false);                                                     // 11
        }
    }

    private static RunReport Conclude(Image image, List<StepReport> steps, IReadOnlyList<OutputFile> outputs)
    {
        var last = steps[^1];
        return new RunReport
        {
            Outcome = last.Outcome,
            Message = last.Message,
            Field = last.ExitCode is 126 or 127 ? $"steps[{steps.Count - 1}].args[0]" : "",
            ImageDigest = image.Digest.ToString(),
            Steps = steps,
            Outputs = outputs,
        };
    }

    // A fault here must not hide the job's own fate; what could not be given back is the sweep's.
    private async Task ReleaseAsync(Sandbox sandbox, StageClock clock)
    {
        try
        {
            await clock.RunAsync(Stage.Release, sandbox.DisposeAsync).ConfigureAwait(false);
        }
        catch (StageException error)
        {
            Log.ReleaseFailed(logger, error, sandbox.Id.Value);
        }
    }
}
