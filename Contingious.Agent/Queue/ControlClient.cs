using Contingious.Agent.Wire;
using Contingious.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>Tells all agents something: those that are there, and those that come within a day.</summary>
public sealed class ControlClient : IAsyncDisposable
{
    private readonly BrokerConnection connection;
    private readonly PublishingChannel publishing;

    internal ControlClient(BrokerConnection connection)
    {
        this.connection = connection;
        publishing = new PublishingChannel(connection);
    }

    /// <exception cref="ContingiousException">No broker answers, or it refuses the user.</exception>
    public static async Task<ControlClient> ConnectAsync(BrokerOptions broker, CancellationToken cancellation) =>
        new(await BrokerConnection.OpenAsync(broker, "contingious control", NullLogger.Instance, cancellation).ConfigureAwait(false));

    /// <summary>Has a job cancelled: its final result says so, unless it has one already.</summary>
    /// <param name="jobId">The job's id.</param>
    /// <param name="attempt">Its attempt, or nothing for all.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">The broker does not take it.</exception>
    public Task CancelAsync(string jobId, int? attempt, CancellationToken cancellation) => SendAsync(new ControlMessage(ControlKind.Cancel, jobId, attempt), cancellation);

    /// <summary>Has agents say how they are, now.</summary>
    /// <exception cref="ContingiousException">The broker does not take it.</exception>
    public Task AskForReportsAsync(CancellationToken cancellation) => SendAsync(new ControlMessage(ControlKind.Report), cancellation);

    public async ValueTask DisposeAsync()
    {
        await publishing.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task SendAsync(ControlMessage message, CancellationToken cancellation)
    {
        var broker = connection.Broker;
        var properties = new BasicProperties { ContentType = WireFormat.ContentType, Persistent = true };
        while (true)
        {
            try
            {
                // Mandatory: the stream is bound there, or nobody would ever hear of it.
                await publishing.PublishAsync(broker.ControlExchange, "", mandatory: true, properties, ControlMessageCodec.Encode(message), cancellation).ConfigureAwait(false);
                return;
            }
            catch (PublishException error)
            {
                throw new ContingiousException($"The broker at {broker.Address} did not take the message for {broker.ControlExchange}: {error.Message} Run 'contingious broker setup'.", error);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error) && connection.IsOpen && BrokerFaults.SaidBy(error) is not null)
            {
                throw new ContingiousException($"The broker at {broker.Address} refused the message for {broker.ControlExchange}: {error.Message}", error);
            }
            catch (Exception error) when (BrokerFaults.IsLost(error))
            {
                // Twice is as good as once.
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation).ConfigureAwait(false);
            }
        }
    }
}
