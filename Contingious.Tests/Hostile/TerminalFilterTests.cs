using System.Text;
using Contingious.Agent.Cli;

namespace Contingious.Tests.Hostile;

/// <summary>What reaches somebody's own terminal of what a sandbox's program says.</summary>
public sealed class TerminalFilterTests
{
    [Theory]
    [InlineData("plain text\r\n\twith tabs\b and a bell\a")]
    [InlineData("grüße ✓ 漢字 🎓")]
    [InlineData("\e[1;31mred\e[0m \e[38:2::10:20:30mdeep\e[m")]
    [InlineData("\e[2J\e[H\e[10;20H\e[5A\e[3B\e[2C\e[D\e[4G\e[7d\e[K\e[1K\e[2L\e[3M\e[4@\e[5P\e[6X")]
    [InlineData("\e[2;20r\e[S\e[3T\e[s\e[u\e7\e8\eM\eD\eE\eH\e[g\e[3g")]
    [InlineData("\e[?25l\e[?25h\e[?7l\e[?7h\e[?1h\e[?1049h\e[?2004h\e[?1049;25l")]
    [InlineData("\e(0lqqk\e(B")]
    public void E4_What_a_full_screen_program_needs_passes_unchanged(string text) => AssertPasses(text, text);

    [Theory]
    [InlineData("a\e]0;title\ab", "ab")]
    [InlineData("a\e]2;title\e\\b", "ab")]
    [InlineData("a\e]52;c;cm0gLXJmIH4K\ab", "ab")]
    [InlineData("a\e]8;;http://example.org\e\\link\e]8;;\e\\b", "alinkb")]
    [InlineData("a\e]10;?\ab", "ab")]
    [InlineData("a\eP$qm\e\\b", "ab")]
    [InlineData("a\eP+q544e\e\\b", "ab")]
    [InlineData("a\e_G1;2\e\\b\e^x\e\\c\eXy\e\\d\ektitle\e\\e", "abcde")]
    [InlineData("a\e[cb\e[0cc\e[>cd\e[=ce", "abcde")]
    [InlineData("a\e[5nb\e[6nc\e[?6nd", "abcd")]
    [InlineData("a\e[?1$pb\e[4$pc\e[!pd\e[?25$ye", "abcde")]
    [InlineData("a\e[xb\e[1xc", "abc")]
    [InlineData("a\e[21tb\e[18tc\e[8;1;1td", "abcd")]
    [InlineData("a\e[?ub\e[>1uc\e[1;2sd", "abcd")]
    [InlineData("a\e[?4mb\e[>4;2mc\e[>0qd\e[ qe\e[99999bf", "abcdef")]
    [InlineData("a\e[?1000hb\e[?1006hc\e[?25;1003hd\e[4he\e[20lf\e[?h\e[?25;hg", "abcdefg")]
    [InlineData("a\e[1;2;3;4;5Tb", "ab")]
    [InlineData("a\ecb\eZc\e=d\e>e\e#8f\e%Gg\e)0h\e(Ai\e\\j\eNxk\eOPl", "abcdefghijkl")]
    [InlineData("a\u0005b\0c\u000ed\u000fe\u007ff\u000bg\u000ch\u0018i", "abcdefghi")]
    [InlineData("a\u009b6nb\u009d0;t\u009cc\u0090d", "a6nb0;tcd")]
    public void E4_What_sets_the_terminal_up_or_makes_it_answer_is_dropped(string text, string passed) => AssertPasses(text, passed);

    [Fact]
    public void E4_Bytes_that_are_no_characters_never_reach_the_terminal_as_controls()
    {
        AssertPasses([(byte)'a', 0x9B, (byte)'6', (byte)'n', 0xC3, (byte)'(', 0xED, 0xA0, 0x80, 0xC0, 0x9B, 0xF5, (byte)'b'], "a\ufffd6n\ufffd(\ufffd\ufffd\ufffd\ufffdb");
        AssertPasses([0xC3, 0x1B, (byte)'[', (byte)'c', (byte)'x'], "\ufffdx");
    }

    [Theory]
    [InlineData("a\e[1\e[31mb", "a\e[31mb")]
    [InlineData("a\e[1\nb", "a\nb")]
    [InlineData("a\e\e[1mb", "a\e[1mb")]
    [InlineData("a\e]0;x\e[31mb", "a\e[31mb")]
    [InlineData("a\e]0;x\e\e\\b", "ab")]
    [InlineData("a\e(\e[1mb", "a\e[1mb")]
    [InlineData("a\e[ü", "aü")]
    public void E4_A_sequence_that_breaks_off_takes_nothing_after_it_along(string text, string passed) => AssertPasses(text, passed);

    [Fact]
    public void E4_A_sequence_that_never_ends_does_not_hide_what_comes_after_it_for_ever()
    {
        AssertPasses($"a\e[{new string('1', 200)}m", $"a{new string('1', 200 - TerminalFilter.MaxSequence + 1)}m");
        AssertPasses($"a\e]52;c;{new string('A', 10_000)}", $"a{new string('A', 10_005 - TerminalFilter.MaxString)}");
        AssertPasses($"a\e({new string(' ', 200)}b", $"a{new string(' ', 200 - TerminalFilter.MaxSequence + 1)}b");
    }

    [Fact]
    public void E4_What_a_program_changed_of_the_terminal_is_taken_back_at_its_end()
    {
        var filter = new TerminalFilter();
        Assert.Equal("", Text(filter.Restore()));
        filter.Pass("\e[31m\e[?1049h\e[?25l\e[?2004h\e[?2004l\e[3;4r\e(0\e]half"u8);
        Assert.Equal("\e[?25h\e[?1049l\e7\e[r\e8\e(B\e[0m", Text(filter.Restore()));
        Assert.Equal("text", Text(filter.Pass("text"u8)));
    }

    [Fact]
    public void E4_Whatever_the_bytes_only_whole_and_known_sequences_come_out()
    {
        var random = new Random(4);
        var alphabet = "\e\e\e[[]]P_?>;;:01234567890cnmhltqpuxyHJKrsTS()B0 $!\\\a\r\n\u0005ab"u8.ToArray().Concat(new byte[] { 0x9B, 0x90, 0xC2, 0xC3, 0xE2, 0x80 }).ToArray();
        for (var round = 0; round < 2000; round++)
        {
            var bytes = new byte[200];
            for (var i = 0; i < bytes.Length; i++) bytes[i] = alphabet[random.Next(alphabet.Length)];
            var passed = new TerminalFilter().Pass(bytes).ToArray();

            // Once filtered is filtered for good.
            Assert.Equal(passed, new TerminalFilter().Pass(passed).ToArray());
            Assert.DoesNotContain((byte)0x05, passed);
            AssertCutsMakeNoDifference(bytes, passed);
        }
    }

    private static void AssertPasses(string text, string expected) => AssertPasses(Encoding.UTF8.GetBytes(text), expected);

    private static void AssertPasses(byte[] bytes, string expected)
    {
        Assert.Equal(expected, Text(new TerminalFilter().Pass(bytes)));
        for (var cut = 0; cut < Math.Min(bytes.Length, 100); cut++)
        {
            var filter = new TerminalFilter();
            Assert.Equal(expected, Text(filter.Pass(bytes.AsSpan(..cut))) + Text(filter.Pass(bytes.AsSpan(cut..))));
        }

        AssertCutsMakeNoDifference(bytes, Encoding.UTF8.GetBytes(expected));
    }

    private static void AssertCutsMakeNoDifference(byte[] bytes, byte[] expected)
    {
        var filter = new TerminalFilter();
        Assert.Equal(expected, bytes.SelectMany(next => filter.Pass([next]).ToArray()).ToArray());
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
