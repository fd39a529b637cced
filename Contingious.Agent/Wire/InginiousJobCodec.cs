namespace Contingious.Agent.Wire;

/// <summary>
/// INGInious's jobs: https://github.com/INGInious/INGInious/blob/main/inginious/common/messages.py. As there, a message has all fields of its
/// class and no other.
/// </summary>
public static class InginiousJobCodec
{
    /// <param name="message">A <c>BackendNewJob</c> or a <c>ClientNewJob</c>.</param>
    /// <exception cref="WireException">It is neither, or holds what cannot be translated; the field is named.</exception>
    public static InginiousJob Decode(ReadOnlyMemory<byte> message)
    {
        if (message.Length > WireFormat.MaxMessage.Bytes) throw JobCodec.TooLarge(message.Length);
        var path = new FieldPath();
        try
        {
            return new InginiousJobDecoder(message, path).Read();
        }
        catch (WireException error) when (error.Field.Length == 0)
        {
            throw new WireException(path.ToString(), error.Reason, cause: error.InnerException);
        }
    }
}
