using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Linux;

public sealed class NativeTextTests
{
    [Fact]
    public void A_byte_that_is_no_utf8_stands_for_itself()
    {
        AreEach("aé", [(byte)'a', 0xc3, 0xa9]);
        AreEach("a\udcffb\udcc3", [(byte)'a', 0xff, (byte)'b', 0xc3]);
        AreEach("\ufffd", [0xef, 0xbf, 0xbd]);
        AreEach("😀\udc80", [0xf0, 0x9f, 0x98, 0x80, 0x80]);
        AreEach("", []);

        // What a lone surrogate would be, were it UTF-8.
        AreEach("\udced\udcb3\udcbf", [0xed, 0xb3, 0xbf]);
    }

    [Fact]
    public void Any_bytes_come_back()
    {
        var random = new Random(7);
        for (var round = 0; round < 2_000; round++)
        {
            var bytes = new byte[random.Next(24)];
            random.NextBytes(bytes);
            var text = NativeText.Of(bytes);
            Assert.Equal(bytes, NativeText.Bytes(text));
            Assert.Equal(bytes.Length, NativeText.ByteCount(text));
            Assert.Equal(System.Text.Unicode.Utf8.IsValid(bytes), NativeText.IsUtf8(text));
        }
    }

    [Fact]
    public void Text_is_as_it_always_was()
    {
        const string text = "größer 😀 'quoted' \"twice\"\n";
        Assert.True(NativeText.IsUtf8(text));
        Assert.Equal(Encoding.UTF8.GetBytes(text), NativeText.Bytes(text));
    }

    private static void AreEach(string text, byte[] bytes)
    {
        Assert.Equal(text, NativeText.Of(bytes));
        Assert.Equal(bytes, NativeText.Bytes(text));
        Assert.Equal(bytes.Length, NativeText.ByteCount(text));
    }
}
