using Contingious.Engine;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>Declares the topology, or looks whether it is there. What is there and otherwise is explained, and never touched.</summary>
internal sealed class TopologyCheck(BrokerConnection connection)
{
    private readonly BrokerOptions broker = connection.Broker;

    /// <summary>Declares all that is missing; where the user may not declare, it has to be there.</summary>
    /// <returns>The parts, each with whether it was declared (else the user may not, and it is there).</returns>
    /// <exception cref="ContingiousException">A part is otherwise, or is missing and may not be declared.</exception>
    public async Task<IReadOnlyList<(TopologyPart Part, bool Declared)>> EnsureAsync(CancellationToken cancellation)
    {
        var done = new List<(TopologyPart, bool)>();
        foreach (var part in Topology.Of(broker, connection.BrokerVersion)) done.Add((part, await EnsureAsync(part, cancellation).ConfigureAwait(false)));
        return done;
    }

    /// <summary>
    /// Looks at everything and makes nothing. That the control stream is not bound to its exchange is seen too; of the dead letters' queue
    /// it cannot be seen, for what is posted there would stay.
    /// </summary>
    public async Task<IReadOnlyList<BrokerProblem>> FindProblemsAsync(CancellationToken cancellation)
    {
        var problems = new List<BrokerProblem>();
        foreach (var part in Topology.Of(broker, connection.BrokerVersion))
        {
            if (await FindProblemAsync(part, cancellation).ConfigureAwait(false) is { } problem) problems.Add(problem);
        }

        if (problems.Count == 0 && await FindUnboundAsync(cancellation).ConfigureAwait(false) is { } unbound) problems.Add(unbound);
        return problems;
    }

    private async Task<BrokerProblem?> FindProblemAsync(TopologyPart part, CancellationToken cancellation)
    {
        var refusal = await TryAsync(part.CheckAsync, cancellation).ConfigureAwait(false);
        // Declaring what is there makes nothing, and has the broker compare it.
        refusal ??= await TryAsync(part.DeclareAsync, cancellation).ConfigureAwait(false);
        if (refusal is null) return null;
        if (refusal.ReplyCode == BrokerFaults.AccessRefused && await IsThereAsync(part, cancellation).ConfigureAwait(false)) return null;
        if (refusal.ReplyCode != BrokerFaults.NotFound) return new BrokerProblem(BrokerProblemKind.Otherwise, part.Title, Explain(part, refusal));
        var answer = await TryAsync(part.ProbeAsync, cancellation).ConfigureAwait(false);
        return answer is { ReplyCode: BrokerFaults.AccessRefused }
            ? new BrokerProblem(BrokerProblemKind.MissingForGood, part.Title, Explain(part, answer))
            : new BrokerProblem(BrokerProblemKind.Missing, part.Title, Explain(part, refusal));
    }

    /// <summary>What is posted has a marker, and tells agents nothing. Who may not post there sees nothing.</summary>
    private async Task<BrokerProblem?> FindUnboundAsync(CancellationToken cancellation)
    {
        var publishing = new PublishingChannel(connection);
        await using (publishing.ConfigureAwait(false))
        {
            try
            {
                var properties = new BasicProperties { Headers = new Dictionary<string, object?> { [ControlFeed.MarkerHeader] = "check" } };
                await publishing.PublishAsync(broker.ControlExchange, "", mandatory: true, properties, ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);
                return null;
            }
            catch (PublishException error) when (error.IsReturn)
            {
                var part = $"binding of the stream {broker.ControlStream} to the exchange {broker.ControlExchange}";
                return new BrokerProblem(BrokerProblemKind.Missing, part, $"The {part} is missing at {broker.Address}: nobody hears of cancels. {RunSetup}");
            }
            catch (Exception error) when (error is PublishException || BrokerFaults.IsLost(error))
            {
                return null;
            }
        }
    }

    private async Task<bool> EnsureAsync(TopologyPart part, CancellationToken cancellation)
    {
        var refusal = await TryAsync(part.DeclareAsync, cancellation).ConfigureAwait(false);
        refusal ??= await TryAsync(part.BindAsync, cancellation).ConfigureAwait(false);
        if (refusal is null) return true;
        if (refusal.ReplyCode == BrokerFaults.AccessRefused && await IsThereAsync(part, cancellation).ConfigureAwait(false)) return false;
        throw new ContingiousException(Explain(part, refusal));
    }

    private async Task<bool> IsThereAsync(TopologyPart part, CancellationToken cancellation)
    {
        var refusal = await TryAsync(part.CheckAsync, cancellation).ConfigureAwait(false);
        // Some brokers have even looking need a permission; who may not look is told so when it reads.
        return refusal is null or { ReplyCode: BrokerFaults.AccessRefused };
    }

    /// <summary>A refusal closes the channel, so each part has one of its own.</summary>
    private async Task<ShutdownEventArgs?> TryAsync(Func<IChannel, CancellationToken, Task> ask, CancellationToken cancellation)
    {
        while (true)
        {
            var channel = await connection.OpenConsumingChannelAsync(cancellation).ConfigureAwait(false);
            try
            {
                await ask(channel, cancellation).ConfigureAwait(false);
                return null;
            }
            catch (OperationInterruptedException error) when (connection.IsOpen && BrokerFaults.SaidBy(error) is { } refusal)
            {
                return refusal;
            }
            catch (Exception error) when (BrokerFaults.IsLost(error) && error is not TimeoutException && !connection.IsOpen)
            {
                // The connection went; the part is asked for again over the next one.
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation).ConfigureAwait(false);
            }
            finally
            {
                await channel.DisposeQuietlyAsync().ConfigureAwait(false);
            }
        }
    }

    private string RunSetup => $"Run 'contingious broker setup' as a user who may configure {broker.Prefix}.*.";

    private string Explain(TopologyPart part, ShutdownEventArgs refusal) => refusal.ReplyCode switch
    {
        BrokerFaults.NotFound => $"The {part.Title} is missing at {broker.Address}. {RunSetup}",
        BrokerFaults.AccessRefused => $"The {part.Title} is missing at {broker.Address}, and the user {broker.User} may not declare it. "
            + "Run 'contingious broker setup' once as a user who may, or give this one the permission to configure (rabbitmqctl set_permissions).",
        BrokerFaults.PreconditionFailed => $"The {part.Title} at {broker.Address} was declared otherwise: {refusal.ReplyText}. {part.Mend}, or choose another prefix.",
        _ => $"The broker at {broker.Address} did not declare the {part.Title}: {refusal.ReplyText}.",
    };
}
