using Contingious.Engine.Linux;

namespace Contingious.Tests.Linux;

public sealed class NativePathTests
{
    [Theory]
    [InlineData(new byte[] { (byte)'a', 0xc3, 0xa9 }, "aé")]
    [InlineData(new byte[] { (byte)'a', 0xff, 0xc3 }, @"a\xff\xc3")]
    [InlineData(new byte[] { 0x1b, (byte)']', (byte)'\n' }, @"\x1b]\x0a")]
    [InlineData(new byte[] { (byte)'\\', (byte)'x' }, @"\x5cx")]
    [InlineData(new byte[] { 0xef, 0xbf, 0xbd }, "\ufffd")]
    [InlineData(new byte[] { 0xe2, 0x80, 0xae, (byte)'x' }, @"\xe2\x80\xaex")]
    [InlineData(new byte[] { 0xc2, 0x9b, (byte)'2', (byte)'J' }, @"\xc2\x9b2J")]
    public void A11_A_name_is_shown_without_what_a_terminal_obeys_and_no_two_look_alike(byte[] name, string shown) =>
        Assert.Equal(shown, NativePath.Display(name));
}
