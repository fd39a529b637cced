using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;

namespace Contingious.Tests.Queue;

public sealed class BrokerOptionsTests
{
    [Theory]
    [InlineData("amqp://bob:s3cret@mq.example:5673/grading", "amqp://bob@mq.example:5673/grading", "mq.example:5673", "grading")]
    [InlineData("amqps://bob:s3cret@mq.example", "amqps://bob@mq.example:5671/", "mq.example:5671", "/")]
    [InlineData("amqp://b%40b:s3cret@mq.example/a%2Fb", "amqp://b%40b@mq.example:5672/a%2Fb", "mq.example:5672", "a/b")]
    public void Its_text_shows_everything_but_the_password(string uri, string shown, string address, string virtualHost)
    {
        var broker = BrokerOptions.Parse(uri);
        Assert.Equal((shown, address, virtualHost), ($"{broker}", broker.Address, broker.VirtualHost));
    }

    [Fact]
    public void The_queues_are_named_after_the_prefix()
    {
        var broker = BrokerOptions.Parse(BrokerOptions.DefaultUri);
        Assert.Equal(("contingious.jobs.exam", "contingious.dead", "contingious.decisions"), (broker.JobsQueueOf(JobClass.Exam), broker.DeadQueue, broker.DecisionsStream));
        Assert.Equal("cs101.jobs.replay", BrokerOptions.Parse(BrokerOptions.DefaultUri, "cs101").JobsQueueOf(JobClass.Replay));
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://bob:s3cret@mq")]
    [InlineData("amqp://")]
    [InlineData("mq:5672:s3cret")]
    public void What_is_no_broker_is_refused_without_showing_it(string uri)
    {
        var refusal = Assert.Throws<ContingiousException>(() => BrokerOptions.Parse(uri));
        Assert.DoesNotContain("s3cret", refusal.ToString(), StringComparison.Ordinal);
        Assert.Contains("CONTINGIOUS_BROKER", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("amq.jobs")]
    public void A_prefix_is_a_plain_name(string prefix) => Assert.Throws<ContingiousException>(() => BrokerOptions.Parse(BrokerOptions.DefaultUri, prefix));
}
