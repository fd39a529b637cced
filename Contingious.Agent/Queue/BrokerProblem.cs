namespace Contingious.Agent.Queue;

/// <summary>What is not as it should be at a broker.</summary>
public enum BrokerProblemKind
{
    /// <summary>A part is not there, and the user may declare it: agents and senders do so when they start.</summary>
    Missing,

    /// <summary>A part is not there, and the user may not declare it.</summary>
    MissingForGood,

    /// <summary>A part was declared otherwise, or cannot be looked at.</summary>
    Otherwise,

    /// <summary>The broker takes jobs back sooner than they may be held.</summary>
    HeldTooLong,
}

/// <summary>Something that is not as it should be at a broker.</summary>
/// <param name="Kind">What of.</param>
/// <param name="Part">What is missing or otherwise, for people: <c>queue NAME</c>.</param>
/// <param name="Text">Sentences with how to mend it.</param>
public sealed record BrokerProblem(BrokerProblemKind Kind, string Part, string Text);
