using Contingious.Agent.Queue;

namespace Contingious.Tests.Queue;

/// <summary>R4: how long a job may be held, by what the broker is.</summary>
public sealed class AckTimeoutTests
{
    [Theory]
    [InlineData("3.8.14", null, null)]
    [InlineData("3.8.15", null, 15)]
    [InlineData("3.8.17", null, 30)]
    [InlineData("3.10.8", null, 30)]
    [InlineData("3.10.8", 90, 90)]
    [InlineData("3.11.28", null, 30)]
    [InlineData("3.12.0", null, 240)]
    [InlineData("4.2.0", 90, 90)]
    [InlineData("4.2.0", 300, 240)]
    public void R4_The_broker_s_version_says_who_decides(string version, int? statedMinutes, int? minutes)
    {
        var stated = statedMinutes is { } given ? TimeSpan.FromMinutes(given) : (TimeSpan?)null;
        Assert.Equal(minutes is { } expected ? TimeSpan.FromMinutes(expected) : null, AckTimeout.Of(Version.Parse(version), stated).Limit);
    }

    [Fact]
    public void R4_A_hold_that_is_too_long_is_refused_with_what_to_set()
    {
        var timeout = AckTimeout.Of(new Version(3, 10, 8), null);
        Assert.Null(timeout.ProblemWith(TimeSpan.FromMinutes(28)));
        var problem = timeout.ProblemWith(TimeSpan.FromMinutes(29));
        Assert.Contains("takes a job back after 1800 s (consumer_timeout of RabbitMQ 3.10.8 by default)", problem, StringComparison.Ordinal);
        Assert.Contains("consumer_timeout = 1980000", problem, StringComparison.Ordinal);
        Assert.Null(AckTimeout.Of(new Version(3, 8, 0), null).ProblemWith(TimeSpan.FromDays(1)));
    }

    [Theory]
    [InlineData("PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms. This timeout value can be configured, see consumers doc guide to learn more", 1800)]
    [InlineData("PRECONDITION_FAILED - unknown delivery tag 4711", null)]
    [InlineData("PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 99999999999999999999 ms", null)]
    public void R4_The_broker_s_own_number_is_learned_from_its_words(string reason, int? seconds) =>
        Assert.Equal(seconds is { } expected ? TimeSpan.FromSeconds(expected) : null, AckTimeout.Learn(reason));
}
