using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Integration;

/// <summary>The plug is pulled: the agent is killed while jobs run, and another one is started.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class AgentDeathTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    private const int Jobs = 20;

    // A job that has run within the hour is answered and not run.
    private static readonly string run = $"death-{Guid.NewGuid():N}";

    [Fact]
    public async Task R8_Jobs_of_a_killed_agent_are_run_by_the_next_one_and_nothing_is_left()
    {
        await engine.SweepAsync();
        var options = broker.NewOptions();
        var before = HostFootprint.Take(engine.Layout);
        await using var sender = await JobSubmitter.ConnectAsync(options, TestContext.Current.CancellationToken);
        var results = Enumerable.Range(0, Jobs).Select(i => sender.SubmitAsync(JobOf(i), TestContext.Current.CancellationToken)).ToList();
        for (var life = 0; life < 2; life++)
        {
            await using var victim = await AgentProcess.StartAsync(options, slots: 4);
            await Task.WhenAny(results.Where(result => !result.IsCompleted));
            await victim.KillAsync();
        }

        await using (var survivor = await AgentProcess.StartAsync(options, slots: 4))
        {
            var all = await Task.WhenAll(results).WaitAsync(TimeSpan.FromMinutes(2));
            Assert.All(all, result => Assert.Equal((Outcome.Ok, $"{result.JobId}\n"), (result.Report.Outcome, System.Text.Encoding.UTF8.GetString(result.Report.Steps[0].Stdout.Span))));
            Assert.Equal(0, await survivor.StopAsync());
        }

        Assert.Equal(before, await HostFootprint.SettleAsync(engine.Layout, before));
    }

    /// <summary>It has become the next agent and waits for a broker that is away, as after a reload: jobs run that would be killed with it.</summary>
    [Fact]
    public async Task R10_An_agent_that_is_stopped_while_it_starts_lets_the_jobs_that_run_finish_and_the_next_one_reports_them()
    {
        await engine.SweepAsync();
        var options = broker.NewOptions();
        var before = HostFootprint.Take(engine.Layout);
        await using var sender = await JobSubmitter.ConnectAsync(options, TestContext.Current.CancellationToken);
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", "sleep 10; cat /proc/uptime"] };
        var id = $"{run}-stays";
        var result = sender.SubmitAsync(new Job(id, 1, new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [step] }), TestContext.Current.CancellationToken);
        await using (var first = await AgentProcess.StartAsync(options, slots: 1))
        {
            while ((await engine.EngineAsync()).List().All(live => live.Pid is null)) await Task.Delay(20, TestContext.Current.CancellationToken);
            await first.KillAsync();
        }

        var follows = new Dictionary<string, string> { ["CONTINGIOUS_NEXT"] = "1", ["CONTINGIOUS_BROKER"] = "amqp://guest:guest@127.0.0.1:1/" };
        await using (var second = await AgentProcess.StartAsync(options, slots: 1, env: follows, awaited: "not reconnected"))
        {
            Assert.Equal(0, await second.StopAsync());
            Assert.Contains("is told to stop while it starts", second.Log, StringComparison.Ordinal);
        }

        var stopped = Uptime(await File.ReadAllTextAsync("/proc/uptime", TestContext.Current.CancellationToken));
        await using (var third = await AgentProcess.StartAsync(options, slots: 1))
        {
            var report = (await result.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).Report;
            Assert.Equal(Outcome.Ok, report.Outcome);
            Assert.True(Uptime(System.Text.Encoding.UTF8.GetString(report.Steps[0].Stdout.Span)) <= stopped, "The job ended after the agent had, or was run again.");
            Assert.Equal(0, await third.StopAsync());
        }

        Assert.Equal(before, await HostFootprint.SettleAsync(engine.Layout, before));
    }

    private static double Uptime(string text) => double.Parse(text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static Job JobOf(int number)
    {
        var id = $"{run}-{number}";
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", $"sleep 0.3; echo {id}"] };
        return new Job(id, 1, new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [step] });
    }
}
