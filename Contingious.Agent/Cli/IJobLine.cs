using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Cli;

/// <summary>What the commands of a sender need of the broker.</summary>
internal interface IJobLine : IAsyncDisposable
{
    /// <summary>Posts a job, waits for its result, and tells what happens meanwhile.</summary>
    /// <param name="job">The job.</param>
    /// <param name="ofClass">The queue that it goes to.</param>
    /// <param name="happened">Told one event after the other; nothing where nobody wants to know.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    Task<JobResult> SubmitAsync(Job job, JobClass ofClass, Func<JobEvent, Task>? happened, CancellationToken cancellation);

    /// <summary>Posts a job that nobody waits for, and returns when the broker has it.</summary>
    Task PostAsync(Job job, JobClass ofClass, CancellationToken cancellation);

    /// <summary>What happens from now on to a job, or to all where none is named.</summary>
    IAsyncEnumerable<JobEvent> FollowAsync(string? jobId, CancellationToken cancellation);
}

/// <summary>Connects a command to the broker.</summary>
/// <exception cref="Engine.ContingiousException">No broker answers, or it refuses.</exception>
internal delegate Task<IJobLine> JobLineOpener(BrokerOptions broker, CancellationToken cancellation);
