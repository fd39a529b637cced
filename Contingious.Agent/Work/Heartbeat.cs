using Contingious.Agent.Wire;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>Says how the agent is, again and again and when it is asked.</summary>
internal sealed class Heartbeat(AgentOptions options, AgentParts parts, AgentWork work, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly Lock access = new();
    private CancellationTokenSource asked = new();

    /// <summary>Somebody wants to know now.</summary>
    public void Ask()
    {
        CancellationTokenSource told;
        lock (access) told = asked;
        told.Cancel();
    }

    /// <summary>Until the agent has finished its jobs: one that drains is alive, too. A last time then.</summary>
    public async Task RepeatAsync(CancellationToken finished)
    {
        while (!finished.IsCancellationRequested)
        {
            options.Turned();
            await SayAsync().ConfigureAwait(false);
            await Pause.ForAsync(options.Heartbeat, time, Asked(), finished).ConfigureAwait(false);
        }

        await SayAsync().ConfigureAwait(false);
    }

    public void Dispose() => asked.Dispose();

    public AgentStatus Status()
    {
        var now = work.Standing.Now;
        var cases = work.Desk.Cases;
        var running = cases.Where(job => job.Phase == CasePhase.Running).ToList();
        var held = cases.Where(job => job.Phase == CasePhase.Held).ToList();
        return new AgentStatus
        {
            Name = options.Name,
            Host = Environment.MachineName,
            Version = parts.Portrait.Version,
            State = now.State,
            Since = now.Since,
            Reason = now.Reason,
            Time = time.GetUtcNow(),
            Capacity = Share(work.Admission.Total),
            Free = Share(work.Admission.Free),
            Running = running.Count,
            RunningJobs = [.. running.Take(AgentStatus.MaxJobs).Select(job => job.Key.JobId)],
            Held = held.Count,
            HeldJobs = [.. held.Take(AgentStatus.MaxJobs).Select(job => job.Key.JobId)],
            Images = [.. parts.Portrait.Images().Take(AgentStatus.MaxImages)],
            Programs = parts.Portrait.Programs,
            Capabilities = parts.Portrait.Capabilities,
            Findings = parts.Portrait.Findings(),
            Classes = options.Classes.ToDictionary(one => one.Key, one => one.Value.Weight),
        };
    }

    private async Task SayAsync()
    {
        try
        {
            await parts.PublishStatus(AgentStatusCodec.Encode(Status())).WaitAsync(options.Heartbeat, time).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // The next one says it.
            logger.StatusUnsaid(error.Message);
        }
    }

    /// <summary>Cancelled when somebody asks from now on.</summary>
    private CancellationToken Asked()
    {
        lock (access)
        {
            if (asked.IsCancellationRequested) asked = new CancellationTokenSource();
            return asked.Token;
        }
    }

    private static StatusCapacity Share(Capacity amount) => new(amount.Cpus, amount.Memory, amount.Disk, amount.Slots);
}
