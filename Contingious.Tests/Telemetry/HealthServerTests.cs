using System.Net;
using Contingious.Agent.Telemetry;
using Contingious.Engine;

namespace Contingious.Tests.Telemetry;

public sealed class HealthServerTests
{
    private static readonly IPEndPoint anyPort = new(IPAddress.Loopback, 0);

    [Fact]
    public async Task The_pages_say_whether_the_agent_is_alive_and_ready_and_what_it_counts()
    {
        var health = new AgentHealth(null, "The agent is starting.");
        await using var server = await HealthServer.StartAsync(anyPort, () => health, () => "metric 1\n", TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{server.Address}") };
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(client, "/healthz"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "The agent is starting.\n"), await GetAsync(client, "/readyz"));
        health = new AgentHealth(null, null);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(client, "/readyz"));
        health = new AgentHealth("stuck", "stuck");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "stuck\n"), await GetAsync(client, "/healthz"));
        Assert.Equal((HttpStatusCode.OK, "metric 1\n"), await GetAsync(client, "/metrics"));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(client, "/")).Status);
        using var metrics = await client.GetAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", $"{metrics.Content.Headers.ContentType}");
        using var posted = await client.PostAsync(new Uri("/healthz", UriKind.Relative), content: null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, posted.StatusCode);
        using var headed = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/healthz"), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ""), (headed.StatusCode, await headed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task A_port_that_somebody_has_is_told_with_the_key()
    {
        await using var first = await HealthServer.StartAsync(anyPort, () => new AgentHealth(null, null), () => "", TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<ContingiousException>(() => HealthServer.StartAsync(first.Address, () => new AgentHealth(null, null), () => "", TestContext.Current.CancellationToken));
        Assert.Contains($"{first.Address} (telemetry.listen)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loop_that_does_not_turn_is_noticed_by_the_monotonic_clock()
    {
        var time = new SetTime();
        var loop = new LoopWatch(time, TimeSpan.FromSeconds(30));
        time.Elapsed = TimeSpan.FromSeconds(30);
        Assert.False(loop.IsStuck);
        time.Elapsed = TimeSpan.FromSeconds(31);
        Assert.True(loop.IsStuck);
        Assert.NotNull(AgentHealth.Of(loop, "ready", null, isConnected: true).NotAlive);
        loop.Turned();
        Assert.Equal(new AgentHealth(null, null), AgentHealth.Of(loop, "ready", null, isConnected: true));
        Assert.Equal(new AgentHealth(null, "The broker is not connected."), AgentHealth.Of(loop, "ready", null, isConnected: false));
        Assert.Equal(new AgentHealth(null, "The agent is draining."), AgentHealth.Of(loop, "draining", null, isConnected: true));
    }

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private sealed class SetTime : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }
}
