using System.Security.Cryptography;

namespace Contingious.Agent.Wire;

/// <summary>
/// Which job a message is: its id and attempt, and what it asks for. Another job that was given the same id by mistake
/// is another job: nobody is answered with somebody else's result.
/// </summary>
/// <param name="JobId">The job's id.</param>
/// <param name="Attempt">The job's attempt.</param>
/// <param name="Content">SHA-256 of the message's body, in lower-case hexadecimal.</param>
public readonly record struct JobKey(string JobId, int Attempt, string Content)
{
    public static JobKey Of(Job job, ReadOnlyMemory<byte> message) => new(job.JobId, job.Attempt, Convert.ToHexStringLower(SHA256.HashData(message.Span)));
}
