using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Queue;

/// <summary>Declares the topology by itself, with no agent and no sender.</summary>
public static class BrokerSetup
{
    /// <returns>A line for each queue and exchange.</returns>
    /// <exception cref="Engine.ContingiousException">The broker does not answer, or has other queues of these names.</exception>
    public static async Task<IReadOnlyList<string>> DeclareAsync(BrokerOptions broker, CancellationToken cancellation)
    {
        var connection = await ConnectAsync(broker, cancellation).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var parts = await new TopologyCheck(connection).EnsureAsync(cancellation).ConfigureAwait(false);
            return [.. parts.Select(done => $"{done.Part.Title}: {(done.Declared ? "declared" : "there already, not compared: the user may not declare")}")];
        }
    }

    /// <summary>Looks, and changes nothing.</summary>
    /// <returns>Each part that is missing or otherwise; nothing where all is well.</returns>
    /// <exception cref="Engine.ContingiousException">The broker does not answer.</exception>
    public static Task<IReadOnlyList<BrokerProblem>> CheckAsync(BrokerOptions broker, CancellationToken cancellation) => CheckAsync(broker, longestHold: null, cancellation);

    /// <summary>As the other, and whether the broker lets an agent hold a job for as long as it may take.</summary>
    public static async Task<IReadOnlyList<BrokerProblem>> CheckAsync(BrokerOptions broker, TimeSpan? longestHold, CancellationToken cancellation)
    {
        var connection = await ConnectAsync(broker, cancellation).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var problems = await new TopologyCheck(connection).FindProblemsAsync(cancellation).ConfigureAwait(false);
            var problem = longestHold is { } hold ? AckTimeout.Of(connection.BrokerVersion, broker.StatedConsumerTimeout).ProblemWith(hold) : null;
            return problem is null ? problems : [.. problems, new BrokerProblem(BrokerProblemKind.HeldTooLong, "consumer_timeout", problem)];
        }
    }

    private static Task<BrokerConnection> ConnectAsync(BrokerOptions broker, CancellationToken cancellation) =>
        BrokerConnection.OpenAsync(broker, "contingious broker setup", NullLogger.Instance, cancellation);
}
