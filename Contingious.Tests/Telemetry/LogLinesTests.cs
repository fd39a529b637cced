using Contingious.Agent.Telemetry;

namespace Contingious.Tests.Telemetry;

public sealed class LogLinesTests
{
    private static readonly DateTimeOffset time = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);

    [Fact]
    public void An_event_is_one_line_with_its_time_and_level_whatever_is_in_it()
    {
        Assert.Equal("2026-03-04T05:06:07.089Z warn: two lines", LogLines.Line(isJournal: false, time, 4, "warn:", "two\r\nlines", error: null));
        Assert.Equal("2026-03-04T05:06:07.089Z fail: it failed: System.InvalidOperationException: why", LogLines.Line(isJournal: false, time, 3, "fail:", "it failed", new InvalidOperationException("why")));
    }

    [Fact]
    public void For_the_journal_it_begins_with_its_priority_and_has_no_time()
    {
        Assert.Equal("<6>agent vm ready", LogLines.Line(isJournal: true, time, 6, "info:", "agent vm ready", error: null));
    }
}
