using Contingious.Engine;

namespace Contingious.Agent.Wire;

/// <summary>A message is not what docs/wire.md says. It is answered with <c>RejectedSpec</c>, never retried.</summary>
public sealed class WireException : ContingiousException
{
    public WireException(string reason)
        : this("", reason)
    {
    }

    public WireException(string field, string reason, string jobId = "", int attempt = 0, Exception? cause = null)
        : base(field.Length == 0 ? reason : $"{field}: {reason}", cause)
    {
        Field = field;
        Reason = reason;
        JobId = jobId;
        Attempt = attempt;
    }

    /// <summary>The part of the message that is wrong, such as <c>steps[2].limits.memory_bytes</c>; empty for the message as a whole.</summary>
    public string Field { get; }

    /// <summary>A sentence: what is wrong and what is allowed.</summary>
    public string Reason { get; }

    /// <summary>The job's id, where it could be read all the same; else empty.</summary>
    public string JobId { get; }

    /// <summary>The job's attempt, where it could be read all the same.</summary>
    public int Attempt { get; }
}
