namespace Contingious.Agent.Wire;

/// <summary>Heartbeats as docs/wire.md describes them.</summary>
public static class AgentStatusCodec
{
    /// <summary>A larger message is not looked at.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Writes the status, and of what is beyond its caps the beginning.</summary>
    public static ReadOnlyMemory<byte> Encode(AgentStatus status)
    {
        var writer = new MessagePackWriter();
        AgentStatusEncoder.Write(writer, status);
        return writer.Written;
    }

    /// <exception cref="WireException">It is no heartbeat.</exception>
    public static AgentStatus Decode(ReadOnlyMemory<byte> message)
    {
        if (message.Length > MaxBytes) throw new WireException($"The heartbeat has {message.Length:N0} bytes; {MaxBytes:N0} are allowed.");
        var path = new FieldPath();
        try
        {
            return new AgentStatusDecoder(message, path).Read();
        }
        catch (WireException error) when (error.Field.Length == 0)
        {
            throw new WireException(path.ToString(), error.Reason, cause: error.InnerException);
        }
    }
}
