using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>Under quarantine, runs a small job of its own again and again, until one shows that a sandbox works here.</summary>
internal sealed class SelfTest(AgentOptions options, AgentParts parts, JobConduct conduct, Admission admission, AgentStanding standing, TimeProvider time, ILogger logger)
{
    private const string JobId = "self-test";

    private static readonly TimeSpan firstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    private static readonly Limits limits = new() { CpuTime = TimeSpan.FromSeconds(5), WallTime = TimeSpan.FromSeconds(15), Memory = ByteSize.FromMiB(64), Disk = ByteSize.FromMiB(16) };

    private int attempt;

    public async Task RepeatAsync(CancellationToken draining)
    {
        while (!draining.IsCancellationRequested)
        {
            await Pause.ForAsync(Timeout.InfiniteTimeSpan, time, standing.Quarantined, draining).ConfigureAwait(false);
            for (var pause = firstPause; standing.Now.State == AgentState.Quarantined; pause = pause * 2 < longestPause ? pause * 2 : longestPause)
            {
                await Pause.ForAsync(pause, time, draining).ConfigureAwait(false);
                if (draining.IsCancellationRequested) return;
                if (await ProblemAsync(draining).ConfigureAwait(false) is { } problem)
                {
                    logger.SelfTestFailed(options.Name, problem);
                    continue;
                }

                logger.QuarantineOver(options.Name);
                standing.Fit();
            }
        }
    }

    /// <returns>Why no sandbox works here; nothing where one did.</returns>
    private async Task<string?> ProblemAsync(CancellationToken draining)
    {
        JobTicket? ticket = null;
        try
        {
            var images = parts.Portrait.Images();
            var image = images.FirstOrDefault(image => image.Name == (options.SelfTestImage ?? conduct.LastGoodImage)) ?? (images.Count > 0 ? images[0] : null);

            // Without an image every job is answered with that, and no sandbox is made that could fail.
            if (image is null) return null;
            ticket = TicketOf(image.Name);
            using var room = await admission.EnterAsync(Capacity.Of(ticket.Job.Request), draining).ConfigureAwait(false);
            var answer = await parts.Runner.RunAsync(ticket, _ => { }, CancellationToken.None).WaitAsync(patience, time, CancellationToken.None).ConfigureAwait(false);
            await parts.Runner.SettleAsync(ticket.Key).ConfigureAwait(false);
            return answer.Outcome switch
            {
                Outcome.Ok or Outcome.NonZeroExit or Outcome.Signalled or Outcome.CpuTimeLimit or Outcome.WallTimeLimit
                    or Outcome.MemoryLimit or Outcome.OutputLimit or Outcome.DiskLimit => null,
                _ => $"{answer.Outcome}: {JobAnswers.MessageOf(answer.Result)}",
            };
        }
        catch (TimeoutException) when (ticket is not null)
        {
            await AbandonAsync(ticket.Key).ConfigureAwait(false);
            return $"its own job of the image {ticket.Job.Request.Image} was not over after {patience.TotalSeconds:0} s";
        }
        catch (Exception error)
        {
            return error is ContingiousException ? error.Message : $"{error.GetType().Name}: {error.Message}";
        }
    }

    private async Task AbandonAsync(JobKey key)
    {
        try
        {
            await parts.Runner.CancelAsync(key, abandon: true).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            logger.RunnerDeaf(key.JobId, key.Attempt, error.Message);
        }
    }

    /// <summary>Each is another attempt, and made at another time, so that no runner knows it already.</summary>
    private JobTicket TicketOf(string image)
    {
        attempt = attempt % WireFormat.MaxAttempt + 1;
        var job = new Job(JobId, attempt, new RunRequest
        {
            Id = SandboxId.For(JobId, attempt),
            Image = image,
            Limits = limits,
            Steps = [new StepRequest { Limits = limits, Name = "self-test", Args = ["/bin/true"], Env = new Dictionary<string, string> { ["SELF_TEST"] = $"{options.Name} {time.GetUtcNow().UtcTicks}" } }],
        });
        var message = JobCodec.Encode(job);
        return new JobTicket(JobKey.Of(job, message), job, message, JobClass.Interactive);
    }
}
