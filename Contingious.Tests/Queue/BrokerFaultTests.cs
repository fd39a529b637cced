using System.Diagnostics;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

/// <summary>Whoever cannot connect is told what to do, and no password is shown.</summary>
[Collection(BrokerTests.Name)]
public sealed class BrokerFaultTests(PrivateBroker broker)
{
    [Fact]
    public async Task Nobody_answers()
    {
        var watch = Stopwatch.StartNew();
        var fault = await FaultOfAsync("amqp://bob:s3cret@127.0.0.1:1/");
        Assert.StartsWith("No broker answers at 127.0.0.1:1: Connection refused.", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Is the broker running?", fault.Message, StringComparison.Ordinal);
        Assert.Contains("--broker or CONTINGIOUS_BROKER", fault.Message, StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task The_host_does_not_exist()
    {
        var fault = await FaultOfAsync("amqp://bob:s3cret@nowhere.invalid/");
        Assert.StartsWith("No broker answers at nowhere.invalid:5672: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_password_is_wrong()
    {
        _ = broker.NewOptions();
        var fault = await FaultOfAsync(new UriBuilder(broker.Uri) { UserName = "guest", Password = "s3cret" }.Uri.OriginalString);
        Assert.Contains($"The broker at 127.0.0.1:{broker.Uri.Port} refused the user guest.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_is_no_such_virtual_host()
    {
        _ = broker.NewOptions();
        var fault = await FaultOfAsync(new UriBuilder(broker.Uri) { Path = "nowhere" }.Uri.OriginalString);
        Assert.Contains("has no virtual host nowhere", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_queue_exists_with_other_arguments()
    {
        var options = broker.NewOptions();
        await using var raw = await RawClient.ConnectAsync(broker.Uri, options);
        await raw.Channel.QueueDeclareAsync(options.JobsQueueOf(JobClass.Exam), durable: true, exclusive: false, autoDelete: false);
        var fault = await Assert.ThrowsAsync<ContingiousException>(() => JobSubmitter.ConnectAsync(options, default));
        Assert.Contains(options.JobsQueueOf(JobClass.Exam), fault.Message, StringComparison.Ordinal);
        Assert.Contains("delete_queue", fault.Message, StringComparison.Ordinal);
    }

    private static async Task<ContingiousException> FaultOfAsync(string uri)
    {
        var fault = await Assert.ThrowsAsync<ContingiousException>(() => JobSubmitter.ConnectAsync(BrokerOptions.Parse(uri), default));
        Assert.DoesNotContain("s3cret", fault.ToString(), StringComparison.Ordinal);
        return fault;
    }
}
