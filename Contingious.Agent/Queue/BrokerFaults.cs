using Contingious.Engine;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Agent.Queue;

/// <summary>Turns what the client library throws into sentences that say what to do. None of them shows the password.</summary>
internal static class BrokerFaults
{
    // https://www.rabbitmq.com/amqp-0-9-1-reference#constants
    private const ushort AccessRefused = 403;
    private const ushort PreconditionFailed = 406;
    private const ushort NotAllowed = 530;

    public static ContingiousException Connecting(BrokerOptions broker, Exception error)
    {
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

        return new ContingiousException(
            $"No broker answers at {broker.Address}: {causes[^1].Message.TrimEnd('.')}. Is the broker running? Start it, or set --broker or CONTINGIOUS_BROKER.",
            error);
    }

    public static ContingiousException Declaring(BrokerOptions broker, OperationInterruptedException error) => error.ShutdownReason?.ReplyCode switch
    {
        PreconditionFailed => new ContingiousException(
            $"The broker at {broker.Address} already has queues or an exchange named {broker.Prefix}.*, declared otherwise: {error.ShutdownReason.ReplyText}. "
            + "Delete the one that is named once it is empty (rabbitmqctl delete_queue NAME), or choose another prefix.",
            error),
        AccessRefused => new ContingiousException(
            $"The user {broker.User} may not declare {broker.Prefix}.* at {broker.Address}: {error.ShutdownReason.ReplyText}. "
            + "Give it the permissions to configure, write and read (rabbitmqctl set_permissions).",
            error),
        _ => new ContingiousException($"The broker at {broker.Address} did not declare the queues {broker.Prefix}.*: {error.Message}", error),
    };

    /// <summary>The connection or the channel is gone. The broker requeues whatever was not acknowledged.</summary>
    public static bool IsLost(Exception error) => error is OperationInterruptedException or ObjectDisposedException or IOException;

    private static IEnumerable<Exception> Causes(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause is AggregateException several ? several.InnerExceptions[0] : cause.InnerException)
        {
            yield return cause;
        }
    }
}
