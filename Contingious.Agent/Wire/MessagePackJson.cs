using System.Globalization;
using System.Text.Json;

namespace Contingious.Agent.Wire;

/// <summary>
/// Values that only pass through, from one notation to the other. Neither side is deeper than <see cref="MessagePackReader.MaxDepth"/>, so
/// recursion is bounded.
/// </summary>
internal static class MessagePackJson
{
    /// <summary>Copies the next value. Keys that are whole numbers become text, as Python's json does it.</summary>
    /// <exception cref="WireException">JSON has no such value: bytes, an extension, a number that is none.</exception>
    public static void Copy(ref WireReader reader, Utf8JsonWriter json)
    {
        var kind = reader.PeekKind();
        switch (kind)
        {
            case MessagePackKind.Nil:
                reader.Skip();
                json.WriteNullValue();
                break;
            case MessagePackKind.Bool:
                json.WriteBooleanValue(reader.ReadBool());
                break;
            case MessagePackKind.Integer:
                json.WriteNumberValue(reader.ReadDecimal());
                break;
            case MessagePackKind.Float:
                var number = reader.ReadDouble();
                reader.Require(double.IsFinite(number), "It is no finite number.");
                json.WriteNumberValue(number);
                break;
            case MessagePackKind.Text:
                json.WriteStringValue(reader.ReadString(WireFormat.MaxInputText));
                break;
            case MessagePackKind.Array:
                CopyArray(ref reader, json);
                break;
            case MessagePackKind.Map:
                CopyMap(ref reader, json);
                break;
            case MessagePackKind.Binary or MessagePackKind.Extension:
                throw reader.Failure($"It is {kind.Describe()}, which cannot be handed on as JSON.");
            default:
                throw new ArgumentOutOfRangeException(nameof(reader), kind, "Not a kind.");
        }
    }

    /// <summary>Writes a JSON value; a number that is written without a fraction is a whole one, where it fits.</summary>
    public static void Write(MessagePackWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.GetPropertyCount());
                foreach (var member in value.EnumerateObject())
                {
                    writer.WriteString(member.Name);
                    Write(writer, member.Value);
                }

                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) Write(writer, item);
                break;
            case JsonValueKind.String:
                writer.WriteString(value.GetString() ?? "");
                break;
            case JsonValueKind.Number:
                if (value.TryGetInt64(out var whole)) writer.WriteInteger(whole);
                else writer.WriteFloat(value.GetDouble());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.WriteBool(value.ValueKind == JsonValueKind.True);
                break;
            case JsonValueKind.Null or JsonValueKind.Undefined:
                writer.WriteNil();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(value), value.ValueKind, "Not a kind.");
        }
    }

    private static void CopyArray(ref WireReader reader, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        var count = reader.BeginArray(0, int.MaxValue);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            Copy(ref reader, json);
            reader.Leave();
        }

        json.WriteEndArray();
    }

    private static void CopyMap(ref WireReader reader, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        var count = reader.ReadMapHeader();
        for (var i = 0; i < count; i++)
        {
            json.WritePropertyName(reader.PeekKind() == MessagePackKind.Integer ? reader.ReadDecimal().ToString(CultureInfo.InvariantCulture) : reader.ReadString(WireFormat.MaxText));
            Copy(ref reader, json);
        }

        json.WriteEndObject();
    }
}
