using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Contingious.Agent.Wire;

/// <summary>
/// A <see cref="MessagePackReader"/> that knows where in the message it is, and maps with text keys:
/// known keys at most once, unknown ones passed over, nil taken for an absent value.
/// </summary>
internal ref struct WireReader(ReadOnlyMemory<byte> message, FieldPath path)
{
    private const int MaxQuoted = 128;

    private readonly ReadOnlyMemory<byte> message = message;
    private readonly FieldPath path = path;
    private MessagePackReader reader = new(message.Span);

    public readonly bool IsAtEnd => reader.IsAtEnd;

    public MapCursor BeginMap(MapKeys keys) => new(keys, reader.ReadMapHeader());

    /// <summary>Moves to the next known key, whose value is to be read next.</summary>
    /// <returns>Nothing at the end of the map, where every required key was there.</returns>
    public string? NextKey(ref MapCursor map)
    {
        if (map.IsInValue) path.Leave();
        map.IsInValue = false;
        while (map.Left > 0)
        {
            map.Left--;
            if (ReadKnownKey(ref map) is { } key) return key;
        }

        if (map.Keys.FirstMissing(map.Present) is not { } missing) return null;
        path.Enter(missing);
        throw Failure("It is missing.");
    }

    /// <summary>How many items follow; each is to be read between <see cref="EnterItem"/> and <see cref="Leave"/>.</summary>
    public int BeginArray(int least, int most)
    {
        var count = reader.ReadArrayHeader();
        Require(count >= least && count <= most, $"It has {count:N0} items; {least:N0} to {most:N0} are allowed.");
        return count;
    }

    public readonly void EnterItem(int index) => path.Enter(index);

    public readonly void EnterKey(string key) => path.Enter(key);

    public readonly void Leave() => path.Leave();

    /// <param name="most">UTF-8 bytes that are allowed; what is longer is refused before it is decoded.</param>
    public string ReadString(int most = WireFormat.MaxText)
    {
        var utf8 = reader.ReadText();
        Require(utf8.Length <= most, $"It has {utf8.Length:N0} bytes; {most:N0} are allowed.");
        return MessagePackReader.Decode(utf8);
    }

    public MessagePackKind PeekKind() => reader.PeekKind();

    public bool ReadBool() => reader.ReadBool();

    public long ReadInt64(long least, long most)
    {
        var value = reader.ReadInt64();
        Require(value >= least && value <= most, $"It is {value}; {least:N0} to {most:N0} is allowed.");
        return value;
    }

    /// <summary>Any whole number: those above <see cref="long.MaxValue"/> too.</summary>
    public decimal ReadDecimal() => reader.ReadDecimal();

    public void Skip() => reader.Skip();

    /// <summary>Whether the next value is a map of exactly these keys; nothing is read.</summary>
    public readonly bool IsMapOf(MapKeys keys)
    {
        var ahead = reader;
        try
        {
            if (ahead.PeekKind() != MessagePackKind.Map) return false;
            var left = ahead.ReadMapHeader();
            if (left != keys.Count) return false;
            for (; left > 0; left--)
            {
                if (ahead.PeekKind() != MessagePackKind.Text || keys.IndexOf(ahead.ReadText()) < 0) return false;
                ahead.Skip();
            }

            return true;
        }
        catch (WireException)
        {
            // Reading it says what is wrong, and where.
            return false;
        }
    }

    public double ReadDouble() => reader.ReadDouble();

    /// <summary>The bytes as a part of the message, not copied.</summary>
    public ReadOnlyMemory<byte> ReadBinary() => message[reader.ReadBinary()];

    public int ReadMapHeader() => reader.ReadMapHeader();

    /// <summary>The version comes first in meaning, wherever it is in the map.</summary>
    public void ReadVersion() => ReadInt64(WireFormat.Version, WireFormat.Version);

    public readonly void Require([DoesNotReturnIf(false)] bool condition, string reason)
    {
        if (!condition) throw Failure(reason);
    }

    /// <summary>A sentence with values in it is put together only where it is needed: most of a message is right, and is not to be paid for.</summary>
    public readonly void Require([DoesNotReturnIf(false)] bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref Reason reason)
    {
        if (!condition) throw Failure(reason.ToText());
    }

    /// <summary>For the rules that answer with what is wrong, or with nothing.</summary>
    public readonly void Refuse(string? problem)
    {
        if (problem is not null) throw Failure(problem);
    }

    public readonly WireException Failure(string reason) => new(path.ToString(), reason);

    private string? ReadKnownKey(ref MapCursor map)
    {
        var kind = reader.PeekKind();
        Require(kind == MessagePackKind.Text, $"Expected keys that are text, found {kind.Describe()}.");
        var name = reader.ReadText();
        var index = map.Keys.IndexOf(name);
        if (index < 0)
        {
            if (map.Keys.IsClosed) throw Failure($"It has the key {Escaped.Quote(MessagePackReader.Decode(name[..Math.Min(name.Length, MaxQuoted)]))}, which means nothing here.");
            reader.Skip();
            return null;
        }

        var bit = 1UL << index;
        path.Enter(map.Keys[index]);
        Require((map.Seen & bit) == 0, "The key is given twice.");
        map.Seen |= bit;
        if (reader.TryReadNil())
        {
            path.Leave();
            return null;
        }

        map.Present |= bit;
        map.IsInValue = true;
        return map.Keys[index];
    }
}

/// <summary>How far a map was read.</summary>
internal struct MapCursor(MapKeys keys, int count)
{
    public readonly MapKeys Keys => keys;

    public int Left { get; set; } = count;

    public ulong Seen { get; set; }

    /// <summary>Seen, and not nil.</summary>
    public ulong Present { get; set; }

    public bool IsInValue { get; set; }

    /// <summary>Whether the key was there, with a value or with nil.</summary>
    public readonly bool Has(string key) => (Seen & (1UL << keys.IndexOf(key))) != 0;
}
