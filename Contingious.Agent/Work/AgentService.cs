using System.Collections.Concurrent;
using Contingious.Agent.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// The agent: takes jobs from the queue and has each handled, as many at once as it has slots.
/// On a stop it takes no more, finishes what runs, and leaves the rest to the broker.
/// </summary>
public sealed class AgentService(AgentOptions options, BrokerOptions broker, JobRunner runner, ILogger<AgentService> logger) : BackgroundService
{
    /// <summary>After the grace is over: what a cancelled job gets for giving its sandbox back.</summary>
    private static readonly TimeSpan AbandonTimeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource abandoned = new();
    private readonly ConcurrentDictionary<Task, bool> running = new();
    private BrokerConnection? connection;
    private ResultPublisher? publisher;
    private JobConsumer? consumer;

    /// <exception cref="Engine.ContingiousException">The broker does not answer or refuses; the sentence says what to do.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        connection = await BrokerConnection.OpenAsync(broker, $"contingious agent {options.Name}", logger, cancellationToken).ConfigureAwait(false);
        publisher = new ResultPublisher(connection, logger);
        try
        {
            consumer = await JobConsumer.StartAsync(connection, broker, options.Slots, logger, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await CloseAsync().ConfigureAwait(false);
            throw;
        }

        logger.AgentStarted(options.Name, options.Slots, broker.JobsQueue);
        await base.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finishes the running jobs; when <paramref name="cancellationToken"/> says that the grace is over they are abandoned.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        logger.AgentStopping(running.Count);
        if (consumer is not null) await consumer.StopAsync().ConfigureAwait(false);
        var registration = cancellationToken.Register(abandoned.Cancel);
        await using (registration.ConfigureAwait(false))
        {
            await base.StopAsync(cancellationToken).ConfigureAwait(false);
            if (ExecuteTask is { } work) await Task.WhenAny(work, Task.Delay(AbandonTimeout, CancellationToken.None)).ConfigureAwait(false);
        }

        await CloseAsync().ConfigureAwait(false);
        logger.AgentStopped(options.Name);
    }

    public override void Dispose()
    {
        abandoned.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (consumer is null || publisher is null) throw new InvalidOperationException("The agent was not started.");
        using var desk = new JobDesk(options, runner, publisher, logger);
        await foreach (var delivery in consumer.Deliveries.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            // What is here and not begun when the agent stops goes back to the queue with the connection.
            if (!stoppingToken.IsCancellationRequested) Track(Task.Run(() => desk.HandleAsync(delivery, stoppingToken, abandoned.Token), CancellationToken.None));
        }

        await Task.WhenAll(running.Keys).ConfigureAwait(false);
    }

    private void Track(Task handling)
    {
        running[handling] = true;
        _ = handling.ContinueWith(done => running.TryRemove(done, out _), TaskScheduler.Default);
    }

    private async Task CloseAsync()
    {
        if (consumer is not null) await consumer.DisposeAsync().ConfigureAwait(false);
        if (publisher is not null) await publisher.DisposeAsync().ConfigureAwait(false);
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
    }
}
