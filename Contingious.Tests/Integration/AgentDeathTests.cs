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

    [Fact]
    public async Task R8_Jobs_of_a_killed_agent_are_run_by_the_next_one_and_nothing_is_left()
    {
        await engine.EngineAsync();
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

        Assert.Equal(before, HostFootprint.Take(engine.Layout));
    }

    private static Job JobOf(int number)
    {
        var id = $"death-{number}";
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", $"sleep 0.3; echo {id}"] };
        return new Job(id, 1, new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [step] });
    }
}
