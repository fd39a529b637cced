using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Work;

/// <summary>What an agent makes of faults of its host: when it stops taking jobs, and when not.</summary>
public sealed class DeskFaultTests
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(10);

    [Fact]
    public void Three_faults_within_a_minute_stop_an_agent_from_taking_jobs_until_its_own_passes() => InScene(scene =>
    {
        var isBroken = true;
        scene.Host.Behaviour = _ => (isBroken ? Outcome.InternalError : Outcome.Ok, TimeSpan.FromSeconds(1));
        scene.Post("a");
        scene.Post("b");
        scene.Post("c");
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(AgentState.Quarantined, scene.Agent.Work.Standing.Now.State);
        var begun = scene.Host.Begun.Count(one => one.Key.JobId != "self-test");
        scene.Post("d");
        scene.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(begun, scene.Host.Begun.Count(one => one.Key.JobId != "self-test"));
        Assert.NotEmpty(scene.Broker.Ready);
        var reported = scene.Agent.Statuses[^1];
        Assert.Equal(AgentState.Quarantined, reported.State);
        Assert.Contains("3 faults", reported.Reason, StringComparison.Ordinal);

        isBroken = false;
        scene.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(AgentState.Ready, scene.Agent.Work.Standing.Now.State);
        Assert.Equal(Outcome.Ok, scene.ReportOf("d").Outcome);
    });

    [Fact]
    public void A_job_that_fails_by_itself_however_often_does_not_stop_an_agent_from_taking_jobs() => InScene(scene =>
    {
        scene.Host.Behaviour = ticket => (ticket.Key.JobId == "odd" ? Outcome.InternalError : Outcome.Ok, TimeSpan.FromSeconds(1));
        scene.Post("odd");
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(3, Assert.Single(scene.Host.Begun).Value);
        Assert.Equal(Outcome.InternalError, scene.OnlyReport().Outcome);
        Assert.All(scene.Agent.Statuses, status => Assert.NotEqual(AgentState.Quarantined, status.State));
    });

    [Fact]
    public void R3_The_end_of_a_runner_is_one_fault_and_no_try_of_the_jobs_it_had() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("a", cpus: 0.6);
        scene.Post("b", cpus: 0.6);
        scene.Pass(soon);
        scene.Host.Kill();
        scene.Pass(soon);
        scene.Runs(Outcome.InternalError, seconds: 1);
        scene.Host.Terminate();
        Assert.Equal(AgentState.Ready, scene.Agent.Work.Standing.Now.State);
        scene.Pass(soon);
        Assert.Equal(AgentState.Quarantined, scene.Agent.Work.Standing.Now.State);
        Assert.Empty(scene.Broker.Published);
    });

    [Fact]
    public void Three_runners_that_end_within_a_minute_stop_an_agent_from_taking_jobs() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        for (var i = 0; i < 3; i++)
        {
            scene.Post($"job {i}");
            scene.Pass(soon);
            scene.Host.Kill();
        }

        Assert.Equal(AgentState.Quarantined, scene.Agent.Work.Standing.Now.State);
    });

    [Fact]
    public void A_runner_that_is_told_to_end_is_no_fault() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("patient");
        for (var i = 0; i < 5; i++)
        {
            scene.Pass(soon);
            Assert.Equal(1, scene.Host.Running);
            scene.Host.Terminate();
            Assert.Equal(AgentState.Ready, scene.Agent.Work.Standing.Now.State);
        }

        scene.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
    });

    private static void InScene(Action<DeskScene> test) => FakeWorld.Run(1, world => test(new DeskScene(world)));
}
