using System.Runtime.CompilerServices;
using Contingious.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Queue;

/// <summary>What an agent said of itself, not decoded.</summary>
/// <param name="AgentName">As it names itself.</param>
/// <param name="Body">Its status, as docs/wire.md describes it.</param>
public sealed record StatusMessage(string AgentName, ReadOnlyMemory<byte> Body);

/// <summary>Listens to how agents are.</summary>
public sealed class StatusReader : IAsyncDisposable
{
    private const string KeyPrefix = "agent.";

    private readonly BrokerConnection connection;
    private readonly Subscription subscription;
    private readonly ControlClient control;

    private StatusReader(BrokerConnection connection, Subscription subscription)
    {
        this.connection = connection;
        this.subscription = subscription;
        control = new ControlClient(connection);
    }

    /// <exception cref="ContingiousException">No broker answers, it refuses the user, or it has no such exchange.</exception>
    public static async Task<StatusReader> ConnectAsync(BrokerOptions broker, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(broker, "contingious agents", NullLogger.Instance, cancellation).ConfigureAwait(false);
        try
        {
            return new StatusReader(connection, await Subscription.OpenAsync(connection, broker.EventsExchange, $"{KeyPrefix}#", NullLogger.Instance, cancellation).ConfigureAwait(false));
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (!BrokerFaults.IsLost(error)) throw;
            throw new ContingiousException($"The broker at {broker.Address} does not let {broker.User} listen to {broker.EventsExchange}: {error.Message} Was 'contingious broker setup' run?", error);
        }
    }

    /// <summary>Asks all agents, and collects what they say for a while.</summary>
    /// <returns>The last word of each, by name.</returns>
    /// <exception cref="ContingiousException">The broker does not take the question.</exception>
    public async Task<IReadOnlyList<StatusMessage>> AskAsync(TimeSpan patience, CancellationToken cancellation)
    {
        await control.AskForReportsAsync(cancellation).ConfigureAwait(false);
        var last = new Dictionary<string, StatusMessage>(StringComparer.Ordinal);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(patience);
        try
        {
            await foreach (var status in ReadAllAsync(deadline.Token).ConfigureAwait(false)) last[status.AgentName] = status;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Time is up: who has not answered by now does not.
        }

        return [.. last.Values.OrderBy(status => status.AgentName, StringComparer.Ordinal)];
    }

    /// <summary>Whatever agents say from the connecting on.</summary>
    public async IAsyncEnumerable<StatusMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (key, body) in subscription.Messages.ReadAllAsync(cancellation).ConfigureAwait(false)) yield return new StatusMessage(key[KeyPrefix.Length..], body);
    }

    /// <summary>Closes everything, the connection too.</summary>
    public async ValueTask DisposeAsync()
    {
        await subscription.DisposeAsync().ConfigureAwait(false);
        await control.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
