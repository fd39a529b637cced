using Contingious.Engine;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>Turns what the client library throws into sentences that say what to do. None of them shows the password.</summary>
internal static class BrokerFaults
{
    // https://www.rabbitmq.com/amqp-0-9-1-reference#constants
    public const ushort AccessRefused = 403;
    public const ushort NotFound = 404;
    public const ushort PreconditionFailed = 406;
    private const ushort NotAllowed = 530;

    public static ContingiousException Connecting(BrokerOptions broker, Exception error)
    {
        if (error is ContingiousException ours) return ours;
        var causes = Causes(error).ToArray();
        if (causes.Any(cause => cause is AuthenticationFailureException or PossibleAuthenticationFailureException))
        {
            return new ContingiousException(
                $"The broker at {broker.Address} refused the user {broker.User}. Is the password right? Set --broker or CONTINGIOUS_BROKER. "
                + "(The user guest may connect from the broker's own host alone.)",
                error);
        }

        if (causes.OfType<OperationInterruptedException>().Any(cause => cause.ShutdownReason?.ReplyCode is NotAllowed or AccessRefused))
        {
            return new ContingiousException(
                $"The broker at {broker.Address} has no virtual host {broker.VirtualHost} for the user {broker.User}. "
                + "Create it (rabbitmqctl add_vhost, set_permissions), or name another at the end of --broker or CONTINGIOUS_BROKER.",
                error);
        }

        if (causes.OfType<System.Security.Authentication.AuthenticationException>().FirstOrDefault() is { } refused)
        {
            return new ContingiousException(
                $"The broker at {broker.Address} could not be verified: {refused.Message.TrimEnd('.')}. "
                + "Set broker.ca_file to who signed its certificate, and broker.server_name where that names another host.",
                error);
        }

        return new ContingiousException(
            $"No broker answers at {broker.Address}: {causes[^1].Message.TrimEnd('.')}. Is the broker running? Start it, or set --broker or CONTINGIOUS_BROKER.",
            error);
    }

    /// <summary>The connection or the channel is gone. The broker requeues whatever was not acknowledged.</summary>
    public static bool IsLost(Exception error) => error is OperationInterruptedException or ObjectDisposedException or IOException or TimeoutException;

    /// <summary>What the broker said when it closed the channel; nothing where it did not close it.</summary>
    public static ShutdownEventArgs? SaidBy(Exception error) =>
        error is OperationInterruptedException { ShutdownReason: { Initiator: ShutdownInitiator.Peer } reason } ? reason : null;

    /// <summary>Closes what may be closed already.</summary>
    public static async Task DisposeQuietlyAsync(this IChannel channel)
    {
        try
        {
            await channel.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (IsLost(error) || error is OperationCanceledException)
        {
            // The connection went first, and the channel with it.
        }
    }

    private static IEnumerable<Exception> Causes(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause is AggregateException several ? several.InnerExceptions[0] : cause.InnerException)
        {
            yield return cause;
        }
    }
}
