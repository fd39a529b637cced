using Contingious.Agent.Runner;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Tests.Runner;

/// <summary>Runners that do not answer, that are lost, and that have killed others' jobs.</summary>
public sealed class LostRunnerTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan soon = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData(nameof(FrameKind.Retire))]
    [InlineData(nameof(FrameKind.List))]
    [InlineData(nameof(FrameKind.Join))]
    [InlineData(nameof(FrameKind.Settle))]
    [InlineData(nameof(FrameKind.Cancel))]
    public async Task An_earlier_runner_that_stops_answering_keeps_no_job_from_the_one_that_takes_them(string at)
    {
        await using var scene = new RunnerScene();
        await using var silent = new SilentRunner(scene.Place, "silent");
        var isStuck = false;
        silent.Answers = kind =>
        {
            isStuck |= kind == Enum.Parse<FrameKind>(at);
            return !isStuck;
        };
        await using var client = await ConnectAsync(scene).WaitAsync(patience);
        var ticket = RunnerScene.Ticket("job");
        Assert.Equal(Outcome.Ok, (await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience)).Outcome);
        await client.SettleAsync(ticket.Key).WaitAsync(patience);
        await client.CancelAsync(ticket.Key, abandon: false).WaitAsync(patience);
        Assert.True(isStuck);
        Assert.Contains("runner silent is gone: it has not answered within 0.3 s", scene.Log.Text, StringComparison.Ordinal);

        // It was left aside from then on, also by the end.
        var asked = silent.Asked.Count;
        Assert.True((await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience)).Repeated);
        await client.EndRunnersAsync(default).WaitAsync(patience);
        await scene.EndedAsync();
        Assert.Equal(asked, silent.Asked.Count);
    }

    [Fact]
    public async Task An_earlier_runner_whose_connection_was_lost_is_found_again()
    {
        await using var scene = new RunnerScene();
        await using var earlier = new SilentRunner(scene.Place, "earlier") { Answers = _ => true };
        await using var client = await ConnectAsync(scene);
        Assert.DoesNotContain(FrameKind.Join, earlier.Asked);
        earlier.LoseConnections();
        await Eventually.IsAsync(() => scene.Log.Text.Contains("runner earlier is gone", StringComparison.Ordinal));
        Assert.Equal(Outcome.Ok, (await client.RunAsync(RunnerScene.Ticket("job"), _ => { }, default).WaitAsync(patience)).Outcome);
        Assert.Contains(FrameKind.Join, earlier.Asked);
    }

    [Fact]
    public async Task A_runner_that_ends_when_it_is_asked_to_retire_keeps_no_agent_from_its_start()
    {
        await using var scene = new RunnerScene();
        await using var ends = new SilentRunner(scene.Place, "ends");
        ends.Answers = kind =>
        {
            if (kind == FrameKind.Retire) ends.LoseConnections();
            return kind == FrameKind.Hello;
        };
        await using var client = await ConnectAsync(scene).WaitAsync(patience);
        Assert.Contains(FrameKind.Retire, ends.Asked);
        Assert.Equal(Outcome.Ok, (await client.RunAsync(RunnerScene.Ticket("job"), _ => { }, default).WaitAsync(patience)).Outcome);
    }

    [Fact]
    public async Task Who_gives_up_waiting_for_the_runners_end_is_obeyed_also_while_they_are_asked()
    {
        await using var scene = new RunnerScene();
        await using var silent = new SilentRunner(scene.Place, "silent");
        silent.Answers = kind => kind != FrameKind.Retire || silent.Asked.Count(asked => asked == FrameKind.Retire) == 1;
        await using var client = await RunnerClient.ConnectAsync(Options(scene) with { AnswerPatience = patience }, scene.Log, default);
        using var cancellation = new CancellationTokenSource();
        var ending = client.EndRunnersAsync(cancellation.Token);
        await Eventually.IsAsync(() => silent.Asked.Count(asked => asked == FrameKind.Retire) == 2);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ending.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task R3_A_job_with_which_a_runner_died_waits_for_another_such_job_a_moment_and_then_says_so()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        var (one, two) = (RunnerScene.Ticket("suspect-1"), RunnerScene.Ticket("suspect-2"));
        Directory.CreateDirectory($"{scene.Place.JournalDirectory}/deaths");
        foreach (var ticket in (JobTicket[])[one, two]) await File.WriteAllTextAsync($"{scene.Place.JournalDirectory}/deaths/{Journal.NameOf(ticket.Key)}.1", "", TestContext.Current.CancellationToken);
        await using var client = await scene.ConnectAsync();
        var first = client.RunAsync(one, _ => { }, default);
        await gate.BegunAsync();
        var error = await Assert.ThrowsAsync<CapacityException>(() => client.RunAsync(two, _ => { }, default).WaitAsync(patience));
        Assert.Contains("run one at a time", error.Message, StringComparison.Ordinal);
        gate.Open();
        Assert.Equal(Outcome.Ok, (await first.WaitAsync(patience)).Outcome);
        Assert.Equal((Outcome.Ok, 2), ((await client.RunAsync(two, _ => { }, default).WaitAsync(patience)).Outcome, gate.Runs));
    }

    private static RunnerClientOptions Options(RunnerScene scene) =>
        new() { Place = scene.Place, Agent = "agent", Fingerprint = "one", Start = (id, _) => scene.Start(id, "one"), AnswerPatience = soon, ListPatience = soon };

    private static Task<RunnerClient> ConnectAsync(RunnerScene scene) => RunnerClient.ConnectAsync(Options(scene), scene.Log, CancellationToken.None);
}
