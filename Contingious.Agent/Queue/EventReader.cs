using System.Runtime.CompilerServices;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Queue;

/// <summary>Listens to what happens to jobs, of one or of all.</summary>
public sealed class EventReader : IAsyncDisposable
{
    private readonly BrokerConnection connection;
    private readonly Subscription subscription;

    private EventReader(BrokerConnection connection, Subscription subscription)
    {
        this.connection = connection;
        this.subscription = subscription;
    }

    /// <summary>Returns when whatever happens from now on is heard: post the job after it.</summary>
    /// <param name="broker">Which broker.</param>
    /// <param name="jobId">The job, or nothing for all of them.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">No broker answers, it refuses the user, or it has no such exchange.</exception>
    public static async Task<EventReader> ConnectAsync(BrokerOptions broker, string? jobId, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(broker, "contingious events", NullLogger.Instance, cancellation).ConfigureAwait(false);
        try
        {
            var pattern = jobId is null ? "job.#" : $"job.{jobId}.*";
            return new EventReader(connection, await Subscription.OpenAsync(connection, broker.EventsExchange, pattern, NullLogger.Instance, cancellation).ConfigureAwait(false));
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (!BrokerFaults.IsLost(error)) throw;
            throw new ContingiousException($"The broker at {broker.Address} does not let {broker.User} listen to {broker.EventsExchange}: {error.Message} Was 'contingious broker setup' run?", error);
        }
    }

    /// <summary>Events in each job's own order, until it is cancelled. Those of a lost connection's time are missing. What is no event is passed over.</summary>
    public async IAsyncEnumerable<JobEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (_, body) in subscription.Messages.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            foreach (var each in Decode(body)) yield return each;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await subscription.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private static IReadOnlyList<JobEvent> Decode(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JobEventCodec.Decode(body);
        }
        catch (WireException)
        {
            return [];
        }
    }
}
