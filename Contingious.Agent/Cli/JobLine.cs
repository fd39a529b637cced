using System.Runtime.CompilerServices;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Cli;

/// <summary>A sender's line: jobs over one connection, and what happens to them over another where somebody wants to know.</summary>
internal sealed class JobLine : IJobLine
{
    private readonly BrokerOptions broker;
    private JobSubmitter? submitter;

    private JobLine(BrokerOptions broker) => this.broker = broker;

    public static Task<IJobLine> OpenAsync(BrokerOptions broker, CancellationToken cancellation) => Task.FromResult<IJobLine>(new JobLine(broker));

    public async Task<JobResult> SubmitAsync(Job job, JobClass ofClass, Func<JobEvent, Task>? happened, CancellationToken cancellation)
    {
        var line = await SubmitterAsync(cancellation).ConfigureAwait(false);
        if (happened is null) return await line.SubmitAsync(job, ofClass, cancellation).ConfigureAwait(false);

        // Listened to before it is posted; until the result is there and a little longer, for its last events come by another way.
        var events = await EventReader.ConnectAsync(broker, job.JobId, cancellation).ConfigureAwait(false);
        await using (events.ConfigureAwait(false))
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var telling = TellAsync(events, job, happened, over.Token);
            try
            {
                var result = await line.SubmitAsync(job, ofClass, cancellation).ConfigureAwait(false);
                await Task.WhenAny(telling, Task.Delay(lastEvents, cancellation)).ConfigureAwait(false);
                return result;
            }
            finally
            {
                await over.CancelAsync().ConfigureAwait(false);
                await telling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public async Task PostAsync(Job job, JobClass ofClass, CancellationToken cancellation) =>
        await (await SubmitterAsync(cancellation).ConfigureAwait(false)).PostAsync(job, ofClass, cancellation).ConfigureAwait(false);

    public async IAsyncEnumerable<JobEvent> FollowAsync(string? jobId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var events = await EventReader.ConnectAsync(broker, jobId, cancellation).ConfigureAwait(false);
        await using (events.ConfigureAwait(false))
        {
            await foreach (var happened in events.ReadAllAsync(cancellation).ConfigureAwait(false)) yield return happened;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (submitter is not null) await submitter.DisposeAsync().ConfigureAwait(false);
    }

    private static readonly TimeSpan lastEvents = TimeSpan.FromSeconds(1);

    private static async Task TellAsync(EventReader events, Job job, Func<JobEvent, Task> happened, CancellationToken over)
    {
        await foreach (var one in events.ReadAllAsync(over).ConfigureAwait(false))
        {
            if (one.JobId != job.JobId || one.Attempt != job.Attempt) continue;
            await happened(one).ConfigureAwait(false);
            if (one.Kind == JobEventKind.Finished) return;
        }
    }

    private async Task<JobSubmitter> SubmitterAsync(CancellationToken cancellation) =>
        submitter ??= await JobSubmitter.ConnectAsync(broker, cancellation).ConfigureAwait(false);
}
