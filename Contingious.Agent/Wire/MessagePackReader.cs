using System.Runtime.CompilerServices;
using System.Text;

namespace Contingious.Agent.Wire;

/// <summary>
/// Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) from bytes that nobody vouches for.
/// Every length is compared with the bytes that are left before anything is allocated, nesting is counted and capped,
/// and nothing recurses. Whatever is wrong is a <see cref="WireException"/>.
/// </summary>
internal ref struct MessagePackReader
{
    /// <summary>Arrays and maps within one another, the outermost one included.</summary>
    public const int MaxDepth = 32;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> message;
    private readonly int depthCap;
    private OpenContainers open;
    private int depth;
    private int position;

    /// <param name="message">All of the message.</param>
    /// <param name="depthCap">1 to <see cref="MaxDepth"/>.</param>
    public MessagePackReader(ReadOnlySpan<byte> message, int depthCap = MaxDepth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depthCap, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depthCap, MaxDepth);
        this.message = message;
        this.depthCap = depthCap;
    }

    public readonly bool IsAtEnd => position == message.Length;

    /// <summary>The kind of the next value, which stays unread.</summary>
    public readonly MessagePackKind PeekKind() => Peek().Kind;

    public bool TryReadNil()
    {
        var token = Peek();
        if (token.Kind != MessagePackKind.Nil) return false;
        Consume(token);
        return true;
    }

    public bool ReadBool() => Read(MessagePackKind.Bool).Integer != 0;

    /// <summary>Any integer form, or a float whose value is whole.</summary>
    public long ReadInt64()
    {
        var value = ReadInteger();
        return value >= long.MinValue && value <= long.MaxValue ? (long)value : throw OutOfRange();
    }

    /// <summary>Any integer form, or a float whose value is whole.</summary>
    public ulong ReadUInt64()
    {
        var value = ReadInteger();
        return value >= 0 && value <= ulong.MaxValue ? (ulong)value : throw OutOfRange();
    }

    /// <summary>Any integer form.</summary>
    public decimal ReadDecimal() => (decimal)Read(MessagePackKind.Integer).Integer;

    /// <summary>Either float form, or any integer form.</summary>
    public double ReadDouble()
    {
        var token = Peek();
        if (token.Kind is not (MessagePackKind.Float or MessagePackKind.Integer)) throw Unexpected("a number", token.Kind);
        Consume(token);
        return token.Kind == MessagePackKind.Float ? token.Float : (double)token.Integer;
    }

    public string ReadString() => Decode(ReadText());

    /// <summary>The UTF-8 bytes of text, not yet checked.</summary>
    public ReadOnlySpan<byte> ReadText() => message[Payload(Read(MessagePackKind.Text))];

    /// <summary>Where in the message the bytes of a binary value are, or the UTF-8 bytes of text.</summary>
    public Range ReadBinary()
    {
        var token = Peek();
        if (token.Kind is not (MessagePackKind.Binary or MessagePackKind.Text)) throw Unexpected("bytes", token.Kind);
        Consume(token);
        return Payload(token);
    }

    /// <returns>The number of items, each at least one byte of what is left.</returns>
    public int ReadArrayHeader() => (int)Read(MessagePackKind.Array).Length;

    /// <returns>The number of entries, each at least two bytes of what is left.</returns>
    public int ReadMapHeader() => (int)Read(MessagePackKind.Map).Length;

    public ReadOnlySpan<byte> ReadExtension(out sbyte type)
    {
        var token = Read(MessagePackKind.Extension);
        type = token.ExtensionType;
        return message[Payload(token)];
    }

    public MessagePackTimestamp ReadTimestamp()
    {
        var payload = ReadExtension(out var type);
        return MessagePackTimestamp.Parse(type, payload);
    }

    /// <summary>Passes over one value and all that is within it.</summary>
    public void Skip()
    {
        var outer = depth;
        do
        {
            Consume(Peek());
        }
        while (depth > outer);
    }

    public static string Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException error)
        {
            throw new WireException("", "Text must be valid UTF-8.", cause: error);
        }
    }

    private static WireException OutOfRange() => new("The whole number is out of range.");

    private static WireException Unexpected(string wanted, MessagePackKind found) => new($"Expected {wanted}, found {found.Describe()}.");

    private static bool HasPayload(MessagePackKind kind) => kind is MessagePackKind.Text or MessagePackKind.Binary or MessagePackKind.Extension;

    private readonly MessagePackToken Peek() => MessagePackToken.Parse(message[position..]);

    private MessagePackToken Read(MessagePackKind wanted)
    {
        var token = Peek();
        if (token.Kind != wanted) throw Unexpected(wanted.Describe(), token.Kind);
        Consume(token);
        return token;
    }

    private Int128 ReadInteger()
    {
        var token = Peek();
        if (token.Kind is not (MessagePackKind.Integer or MessagePackKind.Float)) throw Unexpected("a whole number", token.Kind);
        Consume(token);
        if (token.Kind == MessagePackKind.Integer) return token.Integer;
        return double.IsInteger(token.Float) && Math.Abs(token.Float) < 1e20
            ? (Int128)token.Float
            : throw new WireException("Expected a whole number, found a float that is not whole.");
    }

    private readonly Range Payload(MessagePackToken token) => (position - (int)token.Length)..position;

    /// <summary>Moves behind the token and its payload; an array or a map is opened.</summary>
    private void Consume(MessagePackToken token)
    {
        var left = message.Length - position - token.Size;
        var isMap = token.Kind == MessagePackKind.Map;
        var children = isMap || token.Kind == MessagePackKind.Array ? (isMap ? 2L : 1L) * token.Length : 0;
        var payload = HasPayload(token.Kind) ? token.Length : 0;
        if (payload > left || children > left)
        {
            throw new WireException($"The length of {token.Kind.Describe()} is {token.Length:N0}, but only {left:N0} bytes follow it.");
        }

        position += token.Size + (int)payload;
        if (depth > 0) open[depth - 1]--;
        if (children > 0)
        {
            if (depth == depthCap) throw new WireException($"The message is deeper than {depthCap} levels.");
            open[depth++] = (int)children;
        }

        while (depth > 0 && open[depth - 1] == 0) depth--;
    }

    /// <summary>For each open array or map, the values that are still to come.</summary>
    [InlineArray(MaxDepth)]
    private struct OpenContainers
    {
        private int first;
    }
}
