using Contingious.Agent.Wire;

namespace Contingious.Agent.Queue;

/// <summary>Where jobs come from: one at a time, when it is asked for one, and no more than that.</summary>
internal interface IJobSource
{
    /// <summary>Waits for a job. Where several classes have one, their weights decide.</summary>
    /// <exception cref="OperationCanceledException">Asked to.</exception>
    Task<IJobDelivery> TakeAsync(CancellationToken cancellation);
}

/// <summary>A job's message, which stays the broker's until it is settled.</summary>
internal interface IJobDelivery
{
    JobClass Class { get; }

    /// <summary>Empty where <see cref="Size"/> is more than a job may have.</summary>
    ReadOnlyMemory<byte> Body { get; }

    /// <summary>Bytes of the message, copied or not.</summary>
    long Size { get; }

    /// <summary>The queue that the answer goes to, or nothing where nobody waits for one.</summary>
    string? ReplyTo { get; }

    string? CorrelationId { get; }

    /// <summary>When it was posted, by its sender's clock and to the second, where the sender says so.</summary>
    DateTimeOffset? Posted { get; }

    /// <summary>The W3C trace context of the message's headers, if any.</summary>
    string? TraceParent { get; }

    /// <summary>It was delivered before: to this agent over a lost connection, or to another one.</summary>
    bool Redelivered { get; }

    /// <summary>How often it was delivered and given back before, as the broker counts.</summary>
    int GivenBack { get; }

    /// <summary>Cancelled when the broker has taken it back: settling it does nothing then, and it comes again to somebody.</summary>
    CancellationToken Lost { get; }

    Task AckAsync();

    /// <param name="requeue">Whether it is to be delivered again; else it goes to the dead letters.</param>
    Task RejectAsync(bool requeue);
}

/// <summary>
/// Which result of a job is the final one: the first that any agent put down here, in the broker's own order. All agents read the same.
/// </summary>
internal interface IDecisionLog
{
    /// <summary>
    /// Reads everything that any agent had put down before this call: for a job that was delivered before, which its first agent may have decided a moment ago.
    /// </summary>
    Task CatchUpAsync(CancellationToken cancellation);

    /// <summary>The final result of a job, as far as this agent has read.</summary>
    /// <returns>The encoded result, or nothing where none is known.</returns>
    Task<ReadOnlyMemory<byte>?> FindAsync(JobKey key, CancellationToken cancellation);

    /// <summary>Puts a result down, and waits until it is known which one came first.</summary>
    /// <returns>The final result: this one, or one that was there before.</returns>
    /// <exception cref="OperationCanceledException">Given up. It may have been put down all the same.</exception>
    Task<ReadOnlyMemory<byte>> DecideAsync(JobKey key, ReadOnlyMemory<byte> result, CancellationToken cancellation);

    /// <summary>Cancelled once the job is decided, by whomever. The same token for every asking until then.</summary>
    CancellationToken Decided(JobKey key);
}

/// <summary>Gives final results to whoever waits for them. The same result may be published more than once; never two different ones.</summary>
internal interface IResultPublisher
{
    /// <summary>Publishes to the results exchange and, where there is one, to the queue that the job names; waits for the broker's confirmation.</summary>
    Task<PublishFate> PublishAsync(ResultAddress address, ReadOnlyMemory<byte> result, CancellationToken cancellation);
}

/// <summary>Where a result goes.</summary>
/// <param name="JobId">The job's id; may be empty.</param>
/// <param name="Class">The job's class.</param>
/// <param name="ReplyTo">A queue, or nothing where nobody waits.</param>
/// <param name="CorrelationId">What the sender knows its job by.</param>
internal sealed record ResultAddress(string JobId, JobClass Class, string? ReplyTo, string CorrelationId);

/// <summary>What senders and operators tell all agents. It is kept by the broker, so that an agent that comes later hears it too.</summary>
internal interface IControlFeed
{
    /// <summary>Cancelled once somebody asked for the job to be cancelled; it may be so already.</summary>
    CancellationToken CancelAsked(string jobId, int attempt);
}

/// <summary>Where events go. Never blocks and never fails: what cannot be sent in time is dropped, but for a final event.</summary>
internal interface IEventSink
{
    void Post(JobEvent happened);
}
