using System.Globalization;
using System.Text.RegularExpressions;

namespace Contingious.Agent.Queue;

/// <summary>
/// How long a job may be held before the broker takes it back and closes the channel it came over, with all other jobs of it.
/// https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
/// </summary>
/// <param name="Limit">Nothing where the broker knows no such limit.</param>
/// <param name="Origin">Who says so, for people.</param>
internal sealed partial record AckTimeout(TimeSpan? Limit, string Origin)
{
    /// <summary>What our queues ask for: the longest class holds a job for 20 minutes of wall time, and nobody is to wait a day for one that was forgotten.</summary>
    public static readonly TimeSpan OfOurQueues = TimeSpan.FromHours(4);

    /// <summary>
    /// 3.11.15's notes promise the queue's argument, and its sources do not have it: rabbit_channel looks it up from 3.12.0 on.
    /// Earlier ones take any argument that they do not know, and ignore it.
    /// </summary>
    public static readonly Version FirstWithArgument = new(3, 12, 0);

    private static readonly Version FirstWithDefault = new(3, 8, 15);
    private static readonly Version FirstWithLongerDefault = new(3, 8, 17);

    /// <summary>The broker looks at its clock once a minute, and a result is yet to be published when its run has ended.</summary>
    private static readonly TimeSpan margin = TimeSpan.FromMinutes(2);

    /// <param name="broker">What the broker says it is.</param>
    /// <param name="stated">What the operator says of its <c>consumer_timeout</c>: where our queues ask for their own, it counts only where it is lower.</param>
    public static AckTimeout Of(Version broker, TimeSpan? stated)
    {
        // Where the queues ask for their own, only a policy or an older declaration of theirs is lower, and the operator alone knows of it.
        if (broker >= FirstWithArgument && !(stated < OfOurQueues)) return new AckTimeout(OfOurQueues, "the argument x-consumer-timeout of the queues");
        if (stated is not null) return new AckTimeout(stated, "broker.consumer_timeout_s of the configuration");
        if (broker >= FirstWithLongerDefault) return new AckTimeout(TimeSpan.FromMinutes(30), $"consumer_timeout of RabbitMQ {broker} by default");
        return broker >= FirstWithDefault
            ? new AckTimeout(TimeSpan.FromMinutes(15), $"consumer_timeout of RabbitMQ {broker} by default")
            : new AckTimeout(null, $"RabbitMQ {broker} has no consumer_timeout");
    }

    /// <summary>What the broker itself named when it closed a channel for it: <c>Timeout value used: 1800000 ms</c>.</summary>
    /// <returns>Nothing where the channel was closed for another reason.</returns>
    public static TimeSpan? Learn(string reason)
    {
        var match = Reason().Match(reason);
        return match.Success && long.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds < int.MaxValue
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;
    }

    /// <summary>Whether a job may be held that long.</summary>
    /// <returns>Nothing where it may; else a sentence that says what to do.</returns>
    public string? ProblemWith(TimeSpan longestHold) => Limit is not { } limit || longestHold + margin <= limit
        ? null
        : $"The broker takes a job back after {limit.TotalSeconds:0} s ({Origin}), and the longest job may be held for {longestHold.TotalSeconds:0} s. "
        + $"Set consumer_timeout = {(longestHold + (2 * margin)).TotalMilliseconds:0} or more in the broker's rabbitmq.conf (a policy's consumer-timeout, where one is lower) and say so in broker.consumer_timeout_s, or lower the longest wall time.";

    [GeneratedRegex(@"delivery acknowledgement on channel .* timed out\. Timeout value used: ([0-9]{1,18}) ms", RegexOptions.CultureInvariant)]
    private static partial Regex Reason();
}
