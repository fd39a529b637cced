using Contingious.Agent.Queue;

namespace Contingious.Tests.Support;

/// <summary>A real RabbitMQ, shared by tests: what CONTINGIOUS_TEST_BROKER names, or one of the tests' own.</summary>
public sealed class PrivateBroker : IAsyncLifetime
{
    private BrokerProcess? process;
    private string? uri;

    public async ValueTask InitializeAsync()
    {
        uri = Environment.GetEnvironmentVariable("CONTINGIOUS_TEST_BROKER") is { Length: > 0 } given ? given : null;
        if (uri is not null || !File.Exists(BrokerProcess.Server)) return;
        process = new BrokerProcess();
        await process.StartAsync();
        uri = process.Uri.OriginalString;
    }

    /// <summary>The broker with queues that no other test uses. Skips the test, or fails it in CI, where there is no broker.</summary>
    public BrokerOptions NewOptions(string? brokerUri = null)
    {
        Prerequisite.Require(uri is not null, $"{BrokerProcess.Server} (the package rabbitmq-server), or CONTINGIOUS_TEST_BROKER");
        return BrokerOptions.Parse(brokerUri ?? Uri.OriginalString, $"test-{Guid.NewGuid():N}");
    }

    public Uri Uri => new(uri ?? throw new InvalidOperationException("There is no broker."));

    public ValueTask DisposeAsync() => process?.DisposeAsync() ?? ValueTask.CompletedTask;
}

[CollectionDefinition(Name)]
public sealed class BrokerTests : ICollectionFixture<PrivateBroker>
{
    public const string Name = "broker";
}

/// <summary>A RabbitMQ that its tests may kill, start again, and set up as they like; it takes jobs back after ten seconds.</summary>
public sealed class OwnedBroker : IAsyncLifetime
{
    private BrokerProcess? process;

    internal BrokerProcess Process => process ?? throw new InvalidOperationException("There is no broker.");

    public Uri Uri => Process.Uri;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(BrokerProcess.Server)) return;
        process = new BrokerProcess("consumer_timeout = 10000", "[{rabbit, [{channel_tick_interval, 1000}]}].");
        await process.StartAsync();
    }

    public BrokerOptions NewOptions(string? brokerUri = null)
    {
        Prerequisite.Require(process is not null, $"{BrokerProcess.Server} (the package rabbitmq-server)");
        return BrokerOptions.Parse(brokerUri ?? Uri.OriginalString, $"test-{Guid.NewGuid():N}");
    }

    public ValueTask DisposeAsync() => process?.DisposeAsync() ?? ValueTask.CompletedTask;
}

[CollectionDefinition(Name)]
public sealed class OwnedBrokerTests : ICollectionFixture<OwnedBroker>
{
    public const string Name = "broker of its own";
}
