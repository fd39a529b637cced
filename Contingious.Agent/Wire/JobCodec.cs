namespace Contingious.Agent.Wire;

/// <summary>Jobs as docs/wire.md describes them.</summary>
public static class JobCodec
{
    /// <summary>Reads and checks a job, and unpacks its archives. The job's contents are parts of <paramref name="message"/>, not copies.</summary>
    /// <param name="message">The body of a message.</param>
    /// <param name="policy">The operator's defaults and ceilings; those of docs/wire.md where there are none.</param>
    /// <exception cref="WireException">It is no job: the field, what is wrong with it, and the job's id where that can be read.</exception>
    public static Job Decode(ReadOnlyMemory<byte> message, LimitPolicy? policy = null)
    {
        if (message.Length > WireFormat.MaxMessage.Bytes) throw TooLarge(message.Length);
        var path = new FieldPath();
        try
        {
            return new JobDecoder(message, path, policy ?? LimitPolicy.Documented).Read();
        }
        catch (WireException error)
        {
            var (jobId, attempt) = JobIdProbe.Find(message.Span);
            var field = error.Field.Length > 0 ? error.Field : path.ToString();
            throw new WireException(field, error.Reason, jobId, attempt, error.InnerException);
        }
    }

    /// <summary>Writes every value, those at their defaults too.</summary>
    public static ReadOnlyMemory<byte> Encode(Job job)
    {
        var writer = new MessagePackWriter();
        JobEncoder.Write(writer, job);
        return writer.Written;
    }

    public static WireException TooLarge(long size) =>
        new($"The message has {size:N0} bytes; {WireFormat.MaxMessage} are allowed. Put large inputs into the image.");
}
