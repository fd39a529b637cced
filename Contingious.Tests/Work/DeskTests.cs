using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Work;

/// <summary>One agent, one host, time that the test moves: each way that a job can go.</summary>
public sealed class DeskTests
{
    private static readonly TimeSpan soon = TimeSpan.FromSeconds(10);

    [Fact]
    public void R5_A_job_that_comes_twice_is_run_once_and_answered_twice_alike() => InScene(scene =>
    {
        scene.Post("twice");
        scene.Pass(soon);
        scene.Post("twice");
        scene.Pass(soon);
        Assert.Equal([1], scene.Host.Begun.Values);
        Assert.Equal(2, scene.Broker.Published.Count);
        Assert.Equal(scene.Broker.Published[0].Result.ToArray(), scene.Broker.Published[1].Result.ToArray());
    });

    [Fact]
    public void R5_A_job_that_comes_again_while_it_runs_waits_for_that_run() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("twice");
        scene.Pass(soon);
        scene.Post("twice");
        scene.Pass(soon);
        scene.Agent.Link.Cut();
        scene.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal([1], scene.Host.Begun.Values);
        Assert.Equal(0, scene.Broker.Unsettled);
        Assert.Single(scene.Broker.Published.Select(one => Convert.ToHexString(one.Result.Span)).Distinct());
    });

    [Fact]
    public void R3_A_job_that_was_given_back_too_often_is_answered_and_kept_for_somebody_to_look_at() => InScene(scene =>
    {
        scene.Post("poison", givenBack: AgentOptions.MostGivenBack);
        scene.Pass(soon);
        var report = scene.OnlyReport();
        Assert.Equal(Outcome.InternalError, report.Outcome);
        Assert.Contains("8 times", report.Message, StringComparison.Ordinal);
        Assert.Single(scene.Broker.DeadLetters);
        Assert.Empty(scene.Host.Begun);
    });

    [Fact]
    public void R3_A_job_whose_run_ends_the_runner_twice_is_answered_and_kept() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 5);
        scene.Post("killer");
        for (var i = 0; i < 100 && scene.Broker.Published.Count == 0; i++)
        {
            scene.Pass(TimeSpan.FromSeconds(0.5));
            if (scene.Host.Running > 0) scene.Host.Kill();
        }

        Assert.Equal([2], scene.Host.Begun.Values);
        Assert.Contains("twice", scene.OnlyReport().Message, StringComparison.Ordinal);
        Assert.Single(scene.Broker.DeadLetters);
    });

    [Fact]
    public void A_fault_of_the_host_is_tried_again_and_then_answered() => InScene(scene =>
    {
        scene.Runs(Outcome.InternalError, seconds: 1);
        scene.Post("unlucky");
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(3, scene.Host.Begun.Single(one => one.Key.JobId == "unlucky").Value);
        Assert.Equal(Outcome.InternalError, scene.OnlyReport().Outcome);
    });

    [Fact]
    public void What_a_submission_does_is_never_tried_again() => InScene(scene =>
    {
        scene.Runs(Outcome.MemoryLimit, seconds: 1);
        scene.Post("greedy");
        scene.Pass(soon);
        Assert.Equal([1], scene.Host.Begun.Values);
        Assert.Equal(Outcome.MemoryLimit, scene.OnlyReport().Outcome);
    });

    [Fact]
    public void A_job_that_is_cancelled_before_it_is_taken_is_never_run() => InScene(scene =>
    {
        scene.Broker.Cancel("gone", 1);
        scene.Pass(soon);
        scene.Post("gone");
        scene.Pass(soon);
        Assert.Equal(Outcome.Cancelled, scene.OnlyReport().Outcome);
        Assert.Empty(scene.Host.Begun);
    });

    [Fact]
    public void A_job_that_is_cancelled_while_it_waits_for_room_is_never_run() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("large", cpus: 1.9);
        scene.Pass(soon);
        scene.Post("gone", cpus: 2);
        scene.Pass(soon);
        scene.Broker.Cancel("gone", 1);
        scene.Pass(soon);
        Assert.Equal(Outcome.Cancelled, scene.OnlyReport().Outcome);
        Assert.Single(scene.Host.Begun);
    });

    [Fact]
    public void A_job_that_is_cancelled_while_it_runs_has_one_result() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("gone");
        scene.Pass(soon);
        scene.Broker.Cancel("gone", 1);
        scene.Pass(soon);
        Assert.Equal(Outcome.Cancelled, scene.OnlyReport().Outcome);
        Assert.Equal(0, scene.Host.Running);
    });

    [Fact]
    public void A_job_that_is_late_when_it_is_taken_is_not_run_and_says_by_how_much() => InScene(scene =>
    {
        scene.Post("late", startWithin: TimeSpan.FromSeconds(-90));
        scene.Pass(soon);
        var report = scene.OnlyReport();
        Assert.Equal((Outcome.Expired, Blame.Infra), (report.Outcome, report.Outcome.Blame()));
        Assert.Matches(@"it was 9\d\.\d s late", report.Message);
        Assert.Empty(scene.Host.Begun);
    });

    [Fact]
    public void A_job_whose_time_ends_while_it_waits_for_room_is_not_run() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 300);
        scene.Post("large", cpus: 1.9);
        scene.Pass(soon);
        scene.Post("late", cpus: 2, startWithin: TimeSpan.FromSeconds(60));
        scene.Pass(TimeSpan.FromSeconds(50));
        Assert.Empty(scene.Broker.Published);
        scene.Pass(TimeSpan.FromSeconds(20));
        Assert.Equal(Outcome.Expired, scene.OnlyReport().Outcome);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void R12_A_wall_clock_that_jumps_by_an_hour_ends_no_job_early_and_none_late(int hours) => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 100);
        scene.Post("large", cpus: 1.9);
        scene.Pass(soon);
        scene.Post("in time", cpus: 2, startWithin: TimeSpan.FromSeconds(200));
        scene.Pass(soon);
        scene.Post("late", cpus: 1, startWithin: TimeSpan.FromSeconds(30));
        scene.Pass(soon);
        scene.World.Time.Wall += TimeSpan.FromHours(hours);
        scene.Pass(TimeSpan.FromSeconds(40));
        Assert.Equal(Outcome.Expired, scene.ReportOf("late").Outcome);
        scene.Pass(TimeSpan.FromSeconds(300));
        Assert.Equal(Outcome.Ok, scene.ReportOf("in time").Outcome);
        Assert.Equal(AgentState.Ready, scene.Agent.Work.Standing.Now.State);
    });

    [Fact]
    public void R13_An_agent_that_was_stopped_for_a_while_goes_on_where_it_was() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 3);
        scene.Post("running");
        scene.Pass(TimeSpan.FromSeconds(1));
        scene.World.Time.Stall(TimeSpan.FromSeconds(20));
        scene.Pass(soon);
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
        Assert.Equal([1], scene.Host.Begun.Values);
    });

    [Fact]
    public void A_job_of_a_class_cannot_ask_for_more_time_than_the_class_has() => InScene(scene =>
    {
        scene.Post("long", ofClass: JobClass.Exam, wall: TimeSpan.FromMinutes(10));
        scene.Post("long batch", ofClass: JobClass.Batch, wall: TimeSpan.FromMinutes(10));
        scene.Pass(soon);
        var refused = scene.ReportOf("long");
        Assert.Equal((Outcome.RejectedSpec, "limits.wall_time_ms"), (refused.Outcome, refused.Field));
        Assert.Contains("class exam has at most 300,000", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Outcome.Ok, scene.ReportOf("long batch").Outcome);
    });

    [Fact]
    public void A_job_larger_than_the_host_is_refused_with_what_the_host_has() => InScene(scene =>
    {
        scene.Post("huge", cpus: 3);
        scene.Pass(soon);
        var refused = scene.OnlyReport();
        Assert.Equal((Outcome.RejectedSpec, "limits.cpus"), (refused.Outcome, refused.Field));
        Assert.Contains("to 2 is allowed", refused.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_cancel_that_arrives_before_the_run_does_ends_it_all_the_same() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 600);
        scene.Host.OrderDelay = TimeSpan.FromSeconds(5);
        scene.Post("gone");
        scene.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(0, scene.Host.Running);
        scene.Broker.Cancel("gone", 1);
        scene.Pass(TimeSpan.FromSeconds(15));
        Assert.Equal([1], scene.Host.Begun.Values);
        Assert.Equal(0, scene.Host.Running);
        Assert.Equal(Outcome.Cancelled, scene.OnlyReport().Outcome);
    });

    [Fact]
    public void R6_A_result_that_the_broker_refuses_for_a_while_is_published_when_it_does_not() => InScene(scene =>
    {
        scene.Agent.Link.Refusals = 4;
        scene.Post("refused");
        scene.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
        Assert.Empty(scene.Broker.DeadLetters);
        Assert.Equal(0, scene.Broker.Unsettled);
    });

    [Fact]
    public void R6_A_result_that_the_broker_refuses_for_longer_than_a_minute_sends_its_job_to_the_dead_letters() => InScene(scene =>
    {
        scene.Agent.Link.Refusals = int.MaxValue;
        scene.Post("refused");
        scene.Pass(TimeSpan.FromSeconds(50));
        Assert.Empty(scene.Broker.DeadLetters);
        scene.Pass(TimeSpan.FromMinutes(1));
        Assert.Single(scene.Broker.DeadLetters);
        Assert.Equal(0, scene.Broker.Unsettled);
    });

    [Fact]
    public void The_next_job_is_asked_for_when_a_run_s_last_step_is_over_and_begins_when_it_has_room() => InScene(scene =>
    {
        scene.Host.Settling = TimeSpan.FromSeconds(3);
        scene.Runs(Outcome.Ok, seconds: 20);
        for (var i = 0; i < 4; i++) scene.Post($"job {i}");
        scene.Pass(TimeSpan.FromSeconds(15));
        Assert.Equal((2, 2), (scene.Host.Begun.Count, scene.Broker.Ready.Count));

        // One, though two of them are all but over.
        scene.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal((2, 1), (scene.Host.Begun.Count, scene.Broker.Ready.Count));
        scene.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal((4, 2.0), (scene.Host.Begun.Count, scene.Host.Most.Cpus));
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal((4, 0), (scene.Broker.Published.Count, scene.Broker.Unsettled));
    });

    [Fact]
    public void R7_A_large_job_that_is_given_back_for_want_of_room_is_the_next_to_begin() => InScene(scene =>
    {
        scene.Host.Behaviour = ticket => (Outcome.Ok, ticket.Key.JobId.StartsWith("long", StringComparison.Ordinal) ? HeldJob.LongestWait + TimeSpan.FromSeconds(30) : TimeSpan.FromSeconds(5));
        scene.Post("long", cpus: 1);
        scene.Pass(TimeSpan.FromSeconds(5));
        scene.Post("large", cpus: 2);
        for (var i = 0; i < 200; i++) scene.Post($"small {i}", cpus: 0.5);
        scene.Pass(HeldJob.LongestWait + TimeSpan.FromSeconds(20));
        Assert.Contains(scene.Broker.Links[0].Unacked, one => one.CorrelationId == "large" && one.GivenBack > 0);
        Assert.DoesNotContain(scene.Broker.Published, one => one.CorrelationId == "large");
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(Outcome.Ok, scene.ReportOf("large").Outcome);
    });

    [Fact]
    public void R10_A_stop_finishes_what_runs_gives_back_what_waits_and_takes_no_more() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("running", cpus: 1.9);
        scene.Pass(soon);
        scene.Post("waiting", cpus: 2);
        scene.Pass(soon);
        var stopped = scene.Agent.Work.DrainAsync();
        scene.Pass(soon);
        Assert.False(stopped.IsCompleted);
        Assert.Single(scene.Broker.Ready);
        Assert.Equal(AgentState.Draining, scene.Agent.Statuses[^1].State);
        var (said, turned) = (scene.Agent.Statuses.Count, scene.Agent.Turns);
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.InRange(scene.Agent.Statuses.Count - said, 5, 7);
        Assert.InRange(scene.Agent.Turns - turned, 5, 7);
        said = scene.Agent.Statuses.Count;
        scene.Agent.Work.Heartbeat.Ask();
        Assert.Equal(said + 1, scene.Agent.Statuses.Count);
        Assert.Equal((AgentState.Draining, 1), (scene.Agent.Statuses[^1].State, scene.Agent.Statuses[^1].Running));
        scene.Pass(TimeSpan.FromSeconds(30));
        Assert.True(stopped.IsCompletedSuccessfully);
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
    });

    [Fact]
    public void R10_After_the_grace_what_runs_is_ended_and_its_job_goes_to_others() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 600);
        scene.Post("endless");
        scene.Pass(soon);
        var stopped = scene.Agent.StopAsync(TimeSpan.FromSeconds(30));
        scene.Pass(TimeSpan.FromSeconds(40));
        Assert.True(stopped.IsCompletedSuccessfully);
        Assert.Equal(0, scene.Host.Running);
        Assert.Single(scene.Broker.Ready);
        Assert.Empty(scene.Broker.Published);
    });

    [Fact]
    public void R8_An_agent_that_leaves_ends_no_run_and_the_next_one_answers_for_it() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        scene.Post("long", cpus: 2);
        scene.Pass(soon);
        var left = scene.Agent.LeaveAsync();
        Assert.True(left.IsCompletedSuccessfully);
        Assert.Equal(1, scene.Host.Running);
        scene.Begin();
        Assert.Equal(0, scene.Agent.Work.Admission.Free.Cpus, 3);
        scene.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
        Assert.Equal([1], scene.Host.Begun.Values);
    });

    [Fact]
    public void R8_An_agent_that_leaves_a_broker_that_does_not_answer_is_made_to_and_ends_no_run() => InScene(scene =>
    {
        scene.Host.Behaviour = ticket => (Outcome.Ok, TimeSpan.FromSeconds(ticket.Key.JobId == "short" ? 5 : 60));
        scene.Post("short");
        scene.Post("long");
        scene.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(2, scene.Host.Running);
        scene.Agent.Link.Silence();
        scene.Pass(soon);
        var left = scene.Agent.Work.LeaveAsync();
        Assert.False(left.IsCompleted);
        scene.Agent.Work.Abandon();
        scene.Pass(TimeSpan.FromSeconds(5));
        Assert.True(left.IsCompletedSuccessfully);
        Assert.Equal(1, scene.Host.Running);
        scene.Agent.Kill();
        scene.Begin();
        scene.Pass(TimeSpan.FromSeconds(90));
        Assert.Equal((Outcome.Ok, Outcome.Ok), (scene.ReportOf("short").Outcome, scene.ReportOf("long").Outcome));
        Assert.Equal([1, 1], scene.Host.Begun.Values);
    });

    [Fact]
    public void A_job_that_another_agent_decided_is_ended_here_and_answered_with_what_that_one_said() => InScene(scene =>
    {
        scene.Runs(Outcome.Ok, seconds: 60);
        var key = scene.Post("shared");
        scene.Pass(soon);
        var theirs = JobResultCodec.Encode(new JobResult("shared", 1, "other", new RunReport { Outcome = Outcome.NonZeroExit }));
        scene.Broker.Append(key, theirs);
        scene.Pass(soon);
        Assert.Equal(0, scene.Host.Running);
        Assert.Equal(Outcome.NonZeroExit, scene.OnlyReport().Outcome);
    });

    [Fact]
    public void A_host_without_room_for_five_minutes_gives_the_job_back() => InScene(scene =>
    {
        scene.Host.NoRoom = 1;
        scene.Post("patient");
        scene.Pass(TimeSpan.FromMinutes(4));
        Assert.Empty(scene.Broker.Ready);
        scene.Pass(TimeSpan.FromMinutes(3));
        Assert.True(scene.Broker.Links[0].Unacked.Any(one => one.Message.GivenBack > 0) || scene.Broker.Ready.Any(one => one.GivenBack > 0));
        scene.Host.NoRoom = 0;
        scene.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(Outcome.Ok, scene.OnlyReport().Outcome);
    });

    private static void InScene(Action<DeskScene> test) => FakeWorld.Run(1, world => test(new DeskScene(world)));
}
