using System.Diagnostics;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>
/// Pulls while there is work, waits when there is none. A pull asks the queues of the classes one after another, in the order of their weights,
/// for one job (<c>basic.get</c>): so no job is held here that cannot begin, and the weights are exact. One that was empty a moment ago is passed over
/// while others have jobs: to ask a quorum queue takes the broker as long for nothing as for a job. Where all are empty a consumer is opened at each,
/// with a prefetch of one, and the first job that comes closes them again.
/// </summary>
internal sealed class JobSource : IJobSource, IAsyncDisposable
{
    private static readonly TimeSpan ReopenPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>How long a job that came over a consumer as the second is kept for the next asking, before another agent may have it.</summary>
    private static readonly TimeSpan LeftoverPatience = TimeSpan.FromSeconds(1);

    /// <summary>For how long a queue that was empty is not asked again while another has jobs.</summary>
    internal static readonly TimeSpan EmptyFor = TimeSpan.FromMilliseconds(50);

    private readonly BrokerConnection connection;
    private readonly ILogger logger;
    private readonly WeightedTurns turns;
    private readonly Dictionary<JobClass, long> foundEmpty = [];
    private readonly JobClass[] classes;
    private readonly SemaphoreSlim asking = new(1, 1);
    private readonly CancellationTokenSource stopping = new();
    private JobChannel? channel;

    /// <param name="connection">The broker. Declares nothing.</param>
    /// <param name="weights">Each class's share while all have jobs, at least 1. A class that is not there is not served.</param>
    /// <param name="logger">Hears of channels that come and go.</param>
    public JobSource(BrokerConnection connection, IReadOnlyDictionary<JobClass, int> weights, ILogger logger)
    {
        if (weights.Count == 0 || weights.Values.Any(weight => weight < 1)) throw new ArgumentException("There is at least one class, and every weight is at least 1.", nameof(weights));
        this.connection = connection;
        this.logger = logger;
        turns = new WeightedTurns(weights);
        classes = [.. weights.Keys];
    }

    /// <summary>The broker's <c>consumer_timeout</c> as it named it when it closed a channel for it: held jobs came back too early. Nothing until then.</summary>
    public TimeSpan? LearnedAckTimeout { get; private set; }

    /// <summary>Told once for each channel that was closed so. Must not block.</summary>
    public Action<TimeSpan>? AckTimeoutLearned { get; set; }

    /// <summary>Where tests make the broker complain.</summary>
    internal IChannel? OpenChannel => channel?.Channel;

    public async Task<IJobDelivery> TakeAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping.Token);
        await asking.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            var pause = ReopenPause;
            while (true)
            {
                try
                {
                    return await TryTakeAsync(either.Token).ConfigureAwait(false);
                }
                catch (Exception error) when (BrokerFaults.IsLost(error) || error is ContingiousException)
                {
                    await RecoverAsync(error, either.Token).ConfigureAwait(false);
                }

                // Something that does not go away is no reason to ask without pause.
                await Task.Delay(pause, either.Token).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        finally
        {
            asking.Release();
        }
    }

    /// <summary>Takes no more jobs. What was taken and not settled is the broker's again.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await asking.WaitAsync().ConfigureAwait(false);
        if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
        asking.Release();
    }

    private async Task<IJobDelivery> TryTakeAsync(CancellationToken cancellation)
    {
        await connection.WaitUntilUnblockedAsync(cancellation).ConfigureAwait(false);
        if (channel is not { IsOpen: true })
        {
            if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
            channel = await JobChannel.OpenAsync(connection, OnClosed, logger, cancellation).ConfigureAwait(false);
        }

        if (await channel.TakeLeftoverAsync().ConfigureAwait(false) is { } leftover) return leftover;
        var order = turns.Order();
        var passedOver = order.Where(WasEmptyJustNow).ToList();

        // They save no turns up by that.
        foreach (var ofClass in passedOver) turns.HadNothing(ofClass);
        foreach (var ofClass in order.Except(passedOver).Concat(passedOver))
        {
            // Not cancelled on the way: the job would be on this channel then, and nobody would know of it.
            if (await channel.GetAsync(ofClass).ConfigureAwait(false) is { } pulled)
            {
                turns.Took(ofClass);
                return pulled;
            }

            turns.HadNothing(ofClass);
            foundEmpty[ofClass] = Stopwatch.GetTimestamp();
            cancellation.ThrowIfCancellationRequested();
        }

        return await channel.WaitForPushAsync(classes, LeftoverPatience, cancellation).ConfigureAwait(false);
    }

    private bool WasEmptyJustNow(JobClass ofClass) => foundEmpty.TryGetValue(ofClass, out var at) && Stopwatch.GetElapsedTime(at) < EmptyFor;

    private async Task RecoverAsync(Exception error, CancellationToken cancellation)
    {
        logger.SourceInterrupted(error.Message);
        // The answer to a call that timed out may still come: this channel cannot be used any more.
        if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
        channel = null;
        if (error is not OperationInterruptedException interrupted || BrokerFaults.SaidBy(interrupted)?.ReplyCode != BrokerFaults.NotFound) return;
        try
        {
            await new TopologyCheck(connection).EnsureAsync(cancellation).ConfigureAwait(false);
        }
        catch (ContingiousException fault)
        {
            logger.QueueMissing(fault.Message);
        }
    }

    private void OnClosed(string reason)
    {
        if (AckTimeout.Learn(reason) is not { } learned) return;
        LearnedAckTimeout = learned;
        logger.AckTimeoutMet(learned.TotalSeconds);
        AckTimeoutLearned?.Invoke(learned);
    }
}
