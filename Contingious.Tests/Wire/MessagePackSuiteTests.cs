using System.Globalization;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Tests.Support;

namespace Contingious.Tests.Wire;

/// <summary>https://github.com/kawanet/msgpack-test-suite: every value with every form that a decoder must accept for it.</summary>
public sealed class MessagePackSuiteTests
{
    private const int FormsInSuite = 85 * 2;

    [Fact]
    public void Every_accepted_form_of_every_value_is_read_to_that_value()
    {
        var read = 0;
        foreach (var (value, form) in Cases())
        {
            var reader = new MessagePackReader(form);
            try
            {
                AssertReads(ref reader, value);
                Assert.True(reader.IsAtEnd);
            }
            catch (Exception error)
            {
                Assert.Fail($"{Convert.ToHexString(form)} for {value}: {error.Message}");
            }

            read++;
        }

        Assert.True(read >= FormsInSuite, $"{read} forms were read.");
    }

    [Fact]
    public void What_is_written_is_the_smallest_of_the_accepted_forms()
    {
        foreach (var forms in Cases().GroupBy(item => item.Value.GetRawText(), item => item))
        {
            var writer = new MessagePackWriter();
            Write(writer, forms.First().Value);
            var written = Convert.ToHexString(writer.Written.Span);
            var accepted = forms.Select(item => Convert.ToHexString(item.Form)).ToArray();
            Assert.Contains(written, accepted);
            // A float32 is shorter than the integer that it equals, but what is an integer is written as one.
            var kind = new MessagePackReader(writer.Written.Span).PeekKind();
            Assert.Equal(forms.Where(item => new MessagePackReader(item.Form).PeekKind() == kind).Min(item => item.Form.Length), writer.Written.Length);
        }
    }

    private static IEnumerable<(JsonElement Value, byte[] Form)> Cases()
    {
        var path = Repository.FindTestData("msgpack-test-suite.json");
        if (path is null) Assert.Skip("msgpack-test-suite.json is not beside the project (../shared/testdata) nor in CONTINGIOUS_TESTDATA.");
        using var suite = JsonDocument.Parse(File.ReadAllText(path));
        return
        [
            .. from test in suite.RootElement.EnumerateObject().SelectMany(section => section.Value.EnumerateArray())
               from form in test.GetProperty("msgpack").EnumerateArray()
               select (test.Clone(), Bytes(form.GetString())),
        ];
    }

    private static byte[] Bytes(string? hex) => Convert.FromHexString((hex ?? "").Replace("-", "", StringComparison.Ordinal));

    private static void AssertReads(ref MessagePackReader reader, JsonElement test)
    {
        if (test.TryGetProperty("binary", out var binary)) Assert.Equal(Bytes(binary.GetString()).Length, Length(reader.ReadBinary()));
        else if (test.TryGetProperty("bignum", out var big)) AssertReadsInteger(ref reader, Int128.Parse(big.GetString() ?? "", CultureInfo.InvariantCulture));
        else if (test.TryGetProperty("timestamp", out var timestamp)) Assert.Equal(Timestamp(timestamp), reader.ReadTimestamp());
        else if (test.TryGetProperty("ext", out var ext)) AssertReadsExtension(ref reader, ext);
        else AssertReadsJson(ref reader, Plain(test));
    }

    private static JsonElement Plain(JsonElement test) => test.EnumerateObject().First(property => property.Name != "msgpack").Value;

    private static int Length(Range range) => range.End.Value - range.Start.Value;

    private static MessagePackTimestamp Timestamp(JsonElement pair) => new(pair[0].GetInt64(), pair[1].GetUInt32());

    private static void AssertReadsInteger(ref MessagePackReader reader, Int128 expected)
    {
        if (expected > long.MaxValue) Assert.Equal((ulong)expected, reader.ReadUInt64());
        else Assert.Equal((long)expected, reader.ReadInt64());
    }

    private static void AssertReadsExtension(ref MessagePackReader reader, JsonElement ext)
    {
        var payload = reader.ReadExtension(out var type);
        Assert.Equal(ext[0].GetInt32(), type);
        Assert.Equal(Bytes(ext[1].GetString()), payload.ToArray());
    }

    private static void AssertReadsJson(ref MessagePackReader reader, JsonElement expected)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Null: Assert.True(reader.TryReadNil()); break;
            case JsonValueKind.True or JsonValueKind.False: Assert.Equal(expected.GetBoolean(), reader.ReadBool()); break;
            case JsonValueKind.Number when expected.TryGetInt64(out var integer): Assert.Equal(integer, reader.ReadInt64()); break;
            case JsonValueKind.Number: Assert.Equal(expected.GetDouble(), reader.ReadDouble()); break;
            case JsonValueKind.String: Assert.Equal(expected.GetString(), reader.ReadString()); break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), reader.ReadArrayHeader());
                foreach (var item in expected.EnumerateArray()) AssertReadsJson(ref reader, item);
                break;
            case JsonValueKind.Object:
                Assert.Equal(expected.EnumerateObject().Count(), reader.ReadMapHeader());
                foreach (var entry in expected.EnumerateObject())
                {
                    Assert.Equal(entry.Name, reader.ReadString());
                    AssertReadsJson(ref reader, entry.Value);
                }

                break;
            default: throw new ArgumentOutOfRangeException(nameof(expected));
        }
    }

    private static void Write(MessagePackWriter writer, JsonElement test)
    {
        if (test.TryGetProperty("binary", out var binary)) writer.WriteBinary(Bytes(binary.GetString()));
        else if (test.TryGetProperty("bignum", out var big)) WriteInteger(writer, Int128.Parse(big.GetString() ?? "", CultureInfo.InvariantCulture));
        else if (test.TryGetProperty("timestamp", out var timestamp)) writer.WriteTimestamp(Timestamp(timestamp));
        else if (test.TryGetProperty("ext", out var ext)) writer.WriteExtension((sbyte)ext[0].GetInt32(), Bytes(ext[1].GetString()));
        else WriteJson(writer, Plain(test));
    }

    private static void WriteInteger(MessagePackWriter writer, Int128 value)
    {
        if (value > long.MaxValue) writer.WriteUnsigned((ulong)value);
        else writer.WriteInteger((long)value);
    }

    private static void WriteJson(MessagePackWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null: writer.WriteNil(); break;
            case JsonValueKind.True or JsonValueKind.False: writer.WriteBool(value.GetBoolean()); break;
            case JsonValueKind.Number when value.TryGetInt64(out var integer): writer.WriteInteger(integer); break;
            case JsonValueKind.Number: writer.WriteFloat(value.GetDouble()); break;
            case JsonValueKind.String: writer.WriteString(value.GetString() ?? ""); break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray()) WriteJson(writer, item);
                break;
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.EnumerateObject().Count());
                foreach (var entry in value.EnumerateObject())
                {
                    writer.WriteString(entry.Name);
                    WriteJson(writer, entry.Value);
                }

                break;
            default: throw new ArgumentOutOfRangeException(nameof(value));
        }
    }
}
