using System.Net;
using System.Net.Sockets;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Contingious.Tests.Telemetry;
using Contingious.Tests.Wire;

namespace Contingious.Tests.Integration;

/// <summary>The real agent, with all that it can be asked to tell, and jobs that hold something that nobody is to be told.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class NothingLeaksTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    private const string Secret = "Xyzzy4711";

    [Fact]
    public async Task R15_neither_log_nor_metrics_nor_traces_nor_pages_nor_dead_letters_hold_what_a_job_does_or_the_password()
    {
        await engine.EngineAsync();
        var options = broker.NewOptions();
        await using var collector = new FakeCollector();
        var pages = new Uri($"http://127.0.0.1:{FreePort()}");
        await using var agent = await AgentProcess.StartAsync(options, slots: 1, env: new Dictionary<string, string>
        {
            ["CONTINGIOUS_TELEMETRY_LISTEN"] = $"127.0.0.1:{pages.Port}",
            ["CONTINGIOUS_TELEMETRY_OTLP_ENDPOINT"] = $"{collector.Endpoint}",
        });
        using var client = new HttpClient { BaseAddress = pages };
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri("/readyz", UriKind.Relative), TestContext.Current.CancellationToken));

        await using var sender = await Agent.Queue.JobSubmitter.ConnectAsync(options, TestContext.Current.CancellationToken);
        var result = await sender.SubmitAsync(Job("leaks-1", EngineFixture.ImageName, "cat in; echo $WORD; echo $WORD >&2; exit 3"), TestContext.Current.CancellationToken);
        Assert.Contains(Secret, Encoding.UTF8.GetString(result.Report.Steps[0].Stdout.Span), StringComparison.Ordinal);
        Assert.Equal(Outcome.NonZeroExit, result.Report.Outcome);
        await sender.SubmitAsync(Job("leaks-2", EngineFixture.ImageName, "x=$(yes); echo"), TestContext.Current.CancellationToken);
        await sender.SubmitAsync(Job("leaks-3", "no-such-image", "true"), TestContext.Current.CancellationToken);

        // One that is no job, without anybody who waits: it goes to the dead letters.
        await using var raw = await RawClient.ConnectAsync(broker.Uri, options);
        await raw.PostAsync(Pack.Value(Samples.SmallJob.With("v", 99).With("image", Secret)), replyTo: null);
        var dead = await raw.TakeAsync(options.DeadQueue);

        var told = new Dictionary<string, string>
        {
            ["metrics"] = await client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken),
            ["health"] = await client.GetStringAsync(new Uri("/healthz", UriKind.Relative), TestContext.Current.CancellationToken) + await client.GetStringAsync(new Uri("/readyz", UriKind.Relative), TestContext.Current.CancellationToken),
            ["headers of the dead letter"] = string.Join(' ', (dead.BasicProperties.Headers ?? new Dictionary<string, object?>()).Select(header => $"{header.Key} {Flat(header.Value)}")),
        };
        Assert.Equal(0, await agent.StopAsync());
        told["log"] = agent.Log;
        told["traces"] = collector.TextOf("/v1/traces");
        told["metrics that are sent"] = collector.TextOf("/v1/metrics");

        Assert.All(told.Where(each => each.Key != "health"), each => Assert.True(each.Value.Length > 100, $"{each.Key}: {each.Value}"));
        _ = PrometheusPage.Parse(told["metrics"]);
        var password = Uri.UnescapeDataString(options.Uri.UserInfo.Split(':')[1]);
        Assert.All(told, each => Assert.DoesNotContain(Secret, each.Value, StringComparison.Ordinal));
        // The private broker's account is guest, whose password is its name.
        if (password != options.User) Assert.All(told, each => Assert.DoesNotContain(password, each.Value, StringComparison.Ordinal));
        Assert.DoesNotContain($":{password}@", told["log"], StringComparison.Ordinal);
    }

    private static Job Job(string id, string image, string script)
    {
        var step = new StepRequest
        {
            Name = $"step-{Secret}",
            Args = ["sh", "-c", script, Secret],
            Env = new Dictionary<string, string> { ["WORD"] = Secret },
            Stdin = Encoding.UTF8.GetBytes(Secret),
            Limits = Limits.Default with { CpuTime = TimeSpan.FromSeconds(1) },
        };
        return new Job(id, 1, new RunRequest
        {
            Id = SandboxId.For(id, 1),
            Image = image,
            Steps = [step],
            Files = [new InputFile("in", Encoding.UTF8.GetBytes($"{Secret}\n")), new InputFile($"name-{Secret}", default)],
            Outputs = [$"*{Secret}*"],
            Limits = step.Limits,
        });
    }

    private static string Flat(object? value) => value switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        System.Collections.IDictionary table => string.Join(' ', table.Keys.Cast<object>().Select(key => $"{key} {Flat(table[key])}")),
        System.Collections.IEnumerable list and not string => string.Join(' ', list.Cast<object?>().Select(Flat)),
        _ => $"{value}",
    };

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
