using System.Collections.Concurrent;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work;

/// <summary>Runs one job in one sandbox. It throws for faults that are ours; what the submission does is in the report.</summary>
/// <exception cref="RejectedRequestException">The request is wrong.</exception>
/// <exception cref="ImageUnavailableException">No such image is imported here.</exception>
internal delegate Task<RunReport> JobRunner(RunRequest request, CancellationToken cancellation);

/// <summary>Runs jobs in this process: what runs ends with the agent, and nothing is kept.</summary>
internal sealed class InProcessRunner(string agent, JobRunner run) : IJobRunner
{
    private readonly ConcurrentDictionary<JobKey, CancellationTokenSource> running = new();

    public IReadOnlyList<JobTicket> Adopted => [];

    public async Task<RunAnswer> RunAsync(JobTicket ticket, Action<JobEvent> events, CancellationToken leave)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(leave);
        running[ticket.Key] = cancelled;
        try
        {
            var report = await ReportAsync(ticket, cancelled.Token).ConfigureAwait(false);
            return new RunAnswer(report.Outcome, ResultFit.Encode(new JobResult(ticket.Key.JobId, ticket.Key.Attempt, agent, report), WireFormat.MaxResult), Repeated: false);
        }
        finally
        {
            running.TryRemove(ticket.Key, out _);
        }
    }

    public async Task CancelAsync(JobKey key, bool abandon)
    {
        if (running.TryGetValue(key, out var cancelled)) await cancelled.CancelAsync().ConfigureAwait(false);
    }

    public Task SettleAsync(JobKey key) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;

    private async Task<RunReport> ReportAsync(JobTicket ticket, CancellationToken cancellation)
    {
        try
        {
            var report = await run(ticket.Job.Request, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            return report;
        }
        catch (RejectedRequestException error)
        {
            return RunReport.Rejected(error.Field, error.Message);
        }
        catch (ImageUnavailableException error)
        {
            return new RunReport { Outcome = Outcome.ImageUnavailable, Field = error.Field, Message = error.Message };
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            return new RunReport { Outcome = Outcome.InternalError, Message = $"The agent {agent} failed ({error.GetType().Name}); its log says more." };
        }
    }
}
