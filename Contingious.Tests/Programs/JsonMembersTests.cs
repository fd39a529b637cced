using System.Text;
using System.Text.Json;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Programs;

public sealed class JsonMembersTests
{
    [Fact]
    public void Each_value_is_handed_on_as_it_stands()
    {
        var members = JsonMembers.Of("""{"pid": 7, "nested" : {"pid": 8, "list": [1, "}"]}, "t\u0065xt":"a\"b", "none":null, "time":18446744073709551615}"""u8.ToArray());
        Assert.Equal(["pid", "nested", "text", "none", "time"], members.Keys);
        Assert.Equal(("""{"pid": 8, "list": [1, "}"]}""", "\"a\\\"b\"", "null"), (members["nested"], members["text"], members["none"]));
        Assert.Equal((7, ulong.MaxValue), (JsonMembers.Int32(members, "pid"), JsonMembers.UInt64(members, "time")));
        Assert.Throws<JsonException>(() => JsonMembers.Int32(members, "time"));
        Assert.Throws<JsonException>(() => JsonMembers.Int32(members, "absent"));
        Assert.Throws<JsonException>(() => JsonMembers.UInt64(members, "text"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{")]
    [InlineData("{\"pid\":")]
    [InlineData("{\"pid\":7")]
    [InlineData("{\"pid\":{\"a\":1}")]
    [InlineData("{\"pid\":7} {}")]
    [InlineData("{\"pid\":7}}")]
    [InlineData("{\"\\ud800\":7}")]
    public void What_is_not_one_whole_object_is_refused(string text) => Assert.ThrowsAny<JsonException>(() => JsonMembers.Of(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_name_that_is_no_text_is_refused() => Assert.ThrowsAny<JsonException>(() => JsonMembers.Of([(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']));

    [Theory]
    [InlineData("plain")]
    [InlineData("\"quoted\" \\ \t\n\0 ")]
    [InlineData("ä€😀")]
    public void What_is_quoted_reads_as_it_was(string text) => Assert.Equal(text, JsonDocument.Parse(JsonMembers.Quoted(text)).RootElement.GetString());
}
