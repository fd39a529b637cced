using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Queue;

/// <summary>Declares the topology by itself, with no agent and no sender.</summary>
public static class BrokerSetup
{
    /// <exception cref="Engine.ContingiousException">The broker does not answer, or has other queues of these names.</exception>
    public static async Task DeclareAsync(BrokerOptions broker, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(broker, "contingious broker setup", NullLogger.Instance, cancellation).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var channel = await connection.OpenPublishingChannelAsync(cancellation).ConfigureAwait(false);
            await using (channel.ConfigureAwait(false)) await Topology.DeclareAsync(channel, broker, cancellation).ConfigureAwait(false);
        }
    }
}
