namespace Contingious.Agent.Wire;

/// <summary>Results as docs/wire.md describes them.</summary>
public static class JobResultCodec
{
    public static ReadOnlyMemory<byte> Encode(JobResult result)
    {
        var writer = new MessagePackWriter();
        JobResultEncoder.Write(writer, result);
        return writer.Written;
    }

    /// <summary>Reads a result. Its streams and outputs are parts of <paramref name="message"/>, not copies.</summary>
    /// <exception cref="WireException">It is no result.</exception>
    public static JobResult Decode(ReadOnlyMemory<byte> message)
    {
        if (message.Length > WireFormat.MaxMessage.Bytes) throw new WireException($"The result has {message.Length:N0} bytes; {WireFormat.MaxMessage} are allowed.");
        var path = new FieldPath();
        try
        {
            return new JobResultDecoder(message, path).Read();
        }
        catch (WireException error) when (error.Field.Length == 0)
        {
            throw new WireException(path.ToString(), error.Reason, cause: error.InnerException);
        }
    }
}
