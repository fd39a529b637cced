using Contingious.Agent.Queue;
using Contingious.Tests.Support;

namespace Contingious.Tests.Integration.Delivery;

/// <summary>The broker goes, or the way to it, while jobs run: every job has one result, and nothing is left.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class BrokerLostTests(EngineFixture engine, OwnedBroker broker) : IClassFixture<OwnedBroker>
{
    private const int Jobs = 500;

    [Fact]
    public async Task R6_Five_hundred_jobs_have_one_result_each_though_the_broker_is_killed_three_times()
    {
        await engine.SweepAsync();
        var options = broker.NewOptions();
        var before = HostFootprint.Take(engine.Layout);
        var jobs = new MixedJobs("broker", Jobs, seed: 6);
        await using (var agent = await AgentProcess.StartAsync(options, slots: 4))
        await using (var mail = await Mail.OpenAsync(options))
        {
            var posting = jobs.PostAsync(mail);
            for (var part = 1; part <= 3; part++)
            {
                await mail.WaitForAsync(Jobs / 5 * part, TimeSpan.FromMinutes(2));
                await broker.Process.KillAsync();
                await broker.Process.StartAsync();
            }

            await posting;
            await mail.WaitForAsync(jobs.Ids, TimeSpan.FromMinutes(4));
            mail.AssertOneResultEach();
            jobs.AssertRight(mail.Answers);
            Assert.Equal(0, await agent.StopAsync());
        }

        Assert.Equal(before, await HostFootprint.SettleAsync(engine.Layout, before));
    }

    [Fact]
    public async Task R6_Two_hundred_jobs_have_one_result_each_though_the_agent_s_connections_are_cut_again_and_again()
    {
        await engine.EngineAsync();
        var options = broker.NewOptions();
        await using var proxy = new CuttableProxy(options.Uri);
        var jobs = new MixedJobs("cut", 200, seed: 66);
        await using var agent = await AgentProcess.StartAsync(BrokerOptions.Parse(proxy.Uri, options.Prefix), slots: 4);
        await using var mail = await Mail.OpenAsync(options);
        var posting = jobs.PostAsync(mail);
        for (var cut = 1; cut <= 8; cut++)
        {
            // While results are on their way: right after one has come.
            await mail.WaitForAsync(20 * cut, TimeSpan.FromMinutes(2));
            proxy.Cut();
        }

        await posting;
        await mail.WaitForAsync(jobs.Ids, TimeSpan.FromMinutes(3));
        mail.AssertOneResultEach();
        jobs.AssertRight(mail.Answers);
        Assert.Equal(0, await agent.StopAsync());
    }
}
