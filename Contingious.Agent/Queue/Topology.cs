using Contingious.Agent.Wire;
using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>The queues and exchanges of docs/wire.md, with everything that the broker compares.</summary>
internal static class Topology
{
    /// <summary>
    /// The broker's own backstop: a job that was given back more often goes to the dead letters unanswered. Agents answer one long before that;
    /// this is for those that every agent dies of before it gets to count.
    /// </summary>
    public const int DeliveryLimit = 10;

    /// <summary>Results that stay findable. An agent reads all of it when it starts, in seconds; at 2 KB a result it holds a quarter of a million.</summary>
    public const long MaxDecisionBytes = 512L << 20;

    /// <summary>A stream forgets a whole segment at a time: 16 of them are in the decisions, and each holds at least two of the largest results.</summary>
    public const int SegmentBytes = 32 << 20;

    /// <summary>A cancel is for as long as a job may wait in its queue.</summary>
    public static readonly TimeSpan ControlAge = TimeSpan.FromHours(24);

    /// <summary><see cref="ControlAge"/> as the broker writes it.</summary>
    public const string StreamAge = "24h";

    /// <summary>Some hundred thousand cancels, so that nobody fills the broker's disk with them.</summary>
    private const long MaxControlBytes = 64L << 20;

    private const int ControlSegmentBytes = 4 << 20;

    /// <summary>For somebody to look into, not an archive: the oldest go first.</summary>
    private const long MaxDeadBytes = 1L << 30;

    /// <summary>In the order in which they need one another.</summary>
    public static IReadOnlyList<TopologyPart> Of(BrokerOptions broker, Version version)
    {
        var parts = new List<TopologyPart>
        {
            new TopologyExchange(broker.DeadExchange, ExchangeType.Fanout),
            new TopologyQueue(broker.DeadQueue, DeadArguments) { BoundTo = broker.DeadExchange },
            new TopologyExchange(broker.ResultsExchange, ExchangeType.Topic),
            new TopologyExchange(broker.EventsExchange, ExchangeType.Topic),
            new TopologyExchange(broker.ControlExchange, ExchangeType.Fanout),
            new TopologyQueue(broker.ControlStream, ControlArguments) { BoundTo = broker.ControlExchange },
            new TopologyQueue(broker.DecisionsStream, DecisionArguments),
        };
        parts.AddRange(Enum.GetValues<JobClass>().Select(ofClass => new TopologyQueue(broker.JobsQueueOf(ofClass), JobsArguments(broker, version))));
        return parts;
    }

    private static Dictionary<string, object?> DeadArguments => new() { ["x-queue-type"] = "quorum", ["x-max-length-bytes"] = MaxDeadBytes };

    private static Dictionary<string, object?> ControlArguments => new()
    {
        ["x-queue-type"] = "stream",
        ["x-max-age"] = StreamAge,
        ["x-max-length-bytes"] = MaxControlBytes,
        ["x-stream-max-segment-size-bytes"] = ControlSegmentBytes,
    };

    private static Dictionary<string, object?> DecisionArguments => new()
    {
        ["x-queue-type"] = "stream",
        ["x-max-length-bytes"] = MaxDecisionBytes,
        ["x-stream-max-segment-size-bytes"] = SegmentBytes,
    };

    private static Dictionary<string, object?> JobsArguments(BrokerOptions broker, Version version)
    {
        var arguments = new Dictionary<string, object?>
        {
            ["x-queue-type"] = "quorum",
            ["x-dead-letter-exchange"] = broker.DeadExchange,
            ["x-delivery-limit"] = DeliveryLimit,
        };
        if (version >= AckTimeout.FirstWithArgument) arguments["x-consumer-timeout"] = (long)AckTimeout.OfOurQueues.TotalMilliseconds;
        return arguments;
    }
}

/// <summary>An exchange or a queue.</summary>
internal abstract record TopologyPart(string Name)
{
    /// <summary><c>queue NAME</c>.</summary>
    public abstract string Title { get; }

    /// <summary>What to do with one that was declared otherwise.</summary>
    public abstract string Mend { get; }

    /// <summary>Makes it where it is missing; one that is there is compared, and not changed.</summary>
    public abstract Task DeclareAsync(IChannel channel, CancellationToken cancellation);

    /// <summary>Has what goes through another part come here too.</summary>
    public virtual Task BindAsync(IChannel channel, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Whether it is there; nothing is made.</summary>
    public abstract Task CheckAsync(IChannel channel, CancellationToken cancellation);

    /// <summary>
    /// Asks for it with an argument of a type that no broker takes. It looks at the permission first: <c>ACCESS_REFUSED</c> says that the user may
    /// not declare it, <c>PRECONDITION_FAILED</c> that he may. Nothing is made.
    /// </summary>
    public abstract Task ProbeAsync(IChannel channel, CancellationToken cancellation);
}

internal sealed record TopologyExchange(string Name, string Type) : TopologyPart(Name)
{
    public override string Title => $"exchange {Name}";

    public override string Mend => "Delete it (rabbitmqadmin delete exchange name=NAME, or the management page)";

    public override Task DeclareAsync(IChannel channel, CancellationToken cancellation) =>
        channel.ExchangeDeclareAsync(Name, Type, durable: true, autoDelete: false, cancellationToken: cancellation);

    public override Task CheckAsync(IChannel channel, CancellationToken cancellation) => channel.ExchangeDeclarePassiveAsync(Name, cancellation);

    public override Task ProbeAsync(IChannel channel, CancellationToken cancellation) =>
        channel.ExchangeDeclareAsync(Name, Type, durable: true, autoDelete: false, new Dictionary<string, object?> { ["alternate-exchange"] = 1 }, cancellationToken: cancellation);
}

internal sealed record TopologyQueue(string Name, Dictionary<string, object?> Arguments) : TopologyPart(Name)
{
    public string? BoundTo { get; init; }

    public override string Title => $"{(Arguments["x-queue-type"] is "stream" ? "stream" : "queue")} {Name}";

    public override string Mend => $"Once what it holds is not needed any more, delete it (rabbitmqctl delete_queue {Name})";

    public override Task DeclareAsync(IChannel channel, CancellationToken cancellation) => DeclareAsync(channel, Arguments, cancellation);

    public override Task BindAsync(IChannel channel, CancellationToken cancellation) =>
        BoundTo is { } exchange ? channel.QueueBindAsync(Name, exchange, "", cancellationToken: cancellation) : Task.CompletedTask;

    public override Task CheckAsync(IChannel channel, CancellationToken cancellation) => channel.QueueDeclarePassiveAsync(Name, cancellation);

    public override Task ProbeAsync(IChannel channel, CancellationToken cancellation) =>
        DeclareAsync(channel, new Dictionary<string, object?>(Arguments) { ["x-dead-letter-exchange"] = 1 }, cancellation);

    private Task<QueueDeclareOk> DeclareAsync(IChannel channel, Dictionary<string, object?> arguments, CancellationToken cancellation) =>
        channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation);
}
