using Contingious.Agent.Cli;

namespace Contingious.Tests.Integration;

public sealed class TerminalTextTests
{
    [Theory]
    [InlineData("warning: /usr, naïve ©", "warning: /usr, naïve ©")]
    [InlineData("two\nlines", "two\nlines")]
    [InlineData("\u001b]0;x\u0007", "\\u{1b}]0;x\\u{7}")]
    [InlineData("a\u202eb\r", "a\\u{202e}b\\u{d}")]
    public void Nothing_that_a_terminal_obeys_is_said(string text, string expected) => Assert.Equal(expected, TerminalText.Of(text));
}
