using Contingious.Tests.Support;

namespace Contingious.Tests.Integration.Delivery;

/// <summary>The agent is killed again and again while jobs run: every job has one result, and nothing is left.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class AgentKilledTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    private const int Jobs = 1_000;
    private const int Kills = 20;

    [Fact]
    public async Task R8_A_thousand_jobs_have_one_result_each_though_the_agent_is_killed_twenty_times()
    {
        await engine.SweepAsync();
        var options = broker.NewOptions();
        var before = HostFootprint.Take(engine.Layout);
        var jobs = new MixedJobs("kill", Jobs, seed: 8);
        var random = new Random(8);
        await using (var agent = await AgentProcess.StartAsync(options, slots: 4)) await agent.StopAsync();
        await using var mail = await Mail.OpenAsync(options);
        var posting = jobs.PostAsync(mail);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var victim = await AgentProcess.StartAsync(options, slots: 4);
            await Task.Delay(random.Next(0, 1_200));
            await victim.KillAsync();
        }

        Assert.NotEqual(Jobs, mail.Answers.Count);
        await using (var survivor = await AgentProcess.StartAsync(options, slots: 4))
        {
            await posting;
            await mail.WaitForAsync(jobs.Ids, TimeSpan.FromMinutes(5));
            Assert.Equal(0, await survivor.StopAsync());
        }

        mail.AssertOneResultEach();
        jobs.AssertRight(mail.Answers);
        Assert.Equal(before, await HostFootprint.SettleAsync(engine.Layout, before));
    }
}
