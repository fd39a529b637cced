using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Integration;

/// <summary>Many jobs of every kind through a real broker and the real agent program, and a clean host afterwards.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class FloodTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    private const int Jobs = 200;
    private const int Connections = 4;

    private static readonly Limits limits = Limits.Default with { CpuTime = TimeSpan.FromMilliseconds(300), WallTime = TimeSpan.FromSeconds(60), Memory = ByteSize.FromMiB(24) };

    private static readonly (string Script, Outcome Expected)[] kinds =
    [
        ("exit 0", Outcome.Ok),
        ("echo wrong; exit 1", Outcome.NonZeroExit),
        ("while :; do :; done", Outcome.CpuTimeLimit),
        ("awk 'BEGIN{s=\"x\"; while(1) s=s s}'", Outcome.MemoryLimit),
        ("sleep 1000 & echo fine", Outcome.Ok),
        ("kill -6 $$", Outcome.Signalled),
    ];

    [Fact]
    public async Task Two_hundred_mixed_jobs_from_four_connections_all_get_the_right_verdict_and_leave_nothing()
    {
        await engine.SweepAsync();
        var options = broker.NewOptions();
        var before = HostFootprint.Take(engine.Layout);
        var results = new List<JobResult>();
        await using (var agent = await AgentProcess.StartAsync(options, slots: 4))
        {
            var senders = Enumerable.Range(0, Connections).Select(connection => SendAsync(options, connection)).ToList();
            foreach (var sender in senders) results.AddRange(await sender);
            Assert.Equal(0, await agent.StopAsync());
        }

        Assert.Equal(Jobs, results.Count);
        Assert.Equal(Jobs, results.Select(result => result.JobId).Distinct().Count());
        Assert.All(results, result => Assert.Equal((result.JobId, ExpectedOf(result.JobId)), (result.JobId, result.Report.Outcome)));
        Assert.Equal(before, await HostFootprint.SettleAsync(engine.Layout, before));
    }

    private static async Task<List<JobResult>> SendAsync(BrokerOptions options, int connection)
    {
        await using var submitter = await JobSubmitter.ConnectAsync(options, TestContext.Current.CancellationToken);
        var waiting = Enumerable.Range(0, Jobs / Connections).Select(i => submitter.SubmitAsync(JobOf((connection * (Jobs / Connections)) + i), TestContext.Current.CancellationToken));
        return [.. await Task.WhenAll(waiting)];
    }

    private static Job JobOf(int number)
    {
        var id = $"flood-{number}";
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", kinds[number % kinds.Length].Script], Limits = limits };
        return new Job(id, 1, new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [step], Limits = limits });
    }

    private static Outcome ExpectedOf(string jobId) => kinds[int.Parse(jobId["flood-".Length..]) % kinds.Length].Expected;
}
