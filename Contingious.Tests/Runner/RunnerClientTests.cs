using System.Collections.Concurrent;
using System.Text;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Tests.Runner;

/// <summary>Client and runner over a real socket, with runs of the test's own.</summary>
public sealed class RunnerClientTests
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_job_is_run_once_and_answered_with_what_is_kept_from_then_on()
    {
        await using var scene = new RunnerScene();
        var runs = 0;
        scene.Run = (request, _, _) => Task.FromResult(RunnerScene.Ok($"{request.Id} {Interlocked.Increment(ref runs)}"));
        await using var client = await scene.ConnectAsync("grader-7");
        var ticket = RunnerScene.Ticket("once");
        var first = await client.RunAsync(ticket, _ => { }, default);
        var second = await client.RunAsync(ticket, _ => { }, default);

        Assert.Equal((Outcome.Ok, false, "ctg-once-1 1"), (first.Outcome, first.Repeated, RunnerScene.Stdout(first)));
        Assert.True(second.Repeated);
        Assert.Equal(first.Result.ToArray(), second.Result.ToArray());
        Assert.Equal("grader-7", JobResultCodec.Decode(first.Result).Agent);
        Assert.Equal(1, scene.Started);
    }

    [Fact]
    public async Task Another_job_by_the_same_id_is_another_job()
    {
        await using var scene = new RunnerScene { Run = (request, _, _) => Task.FromResult(RunnerScene.Ok(request.Steps[0].Args[0])) };
        await using var client = await scene.ConnectAsync();
        Assert.Equal("a", RunnerScene.Stdout(await client.RunAsync(RunnerScene.Ticket("same", "a"), _ => { }, default)));
        Assert.Equal("b", RunnerScene.Stdout(await client.RunAsync(RunnerScene.Ticket("same", "b"), _ => { }, default)));
    }

    [Fact]
    public async Task Who_asks_for_a_job_that_runs_joins_it_from_any_connection()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        await using var one = await scene.ConnectAsync();
        await using var two = await scene.ConnectAsync();
        var ticket = RunnerScene.Ticket("joined");
        var asked = new List<Task<Agent.Work.RunAnswer>> { one.RunAsync(ticket, _ => { }, default) };
        await gate.BegunAsync();
        asked.Add(one.RunAsync(ticket, _ => { }, default));
        asked.Add(two.RunAsync(ticket, _ => { }, default));

        // Told in order: what the runner answers now, it answers after it has read these.
        await one.SettleAsync(RunnerScene.Ticket("other").Key);
        await two.SettleAsync(RunnerScene.Ticket("other").Key);
        gate.Open();
        Assert.All(await Task.WhenAll(asked).WaitAsync(patience), answer => Assert.Equal("ctg-joined-1", RunnerScene.Stdout(answer)));
        Assert.Equal((1, 1), (gate.Runs, scene.Started));
    }

    [Fact]
    public async Task R8_An_agent_that_comes_after_a_dead_one_adopts_what_runs_and_hears_of_it()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        var ticket = RunnerScene.Ticket("adopted");
        var dead = await scene.ConnectAsync();
        var lost = dead.RunAsync(ticket, _ => { }, default);
        await gate.BegunAsync();
        await dead.DisposeAsync();
        await Assert.ThrowsAsync<RunnerLostException>(() => lost);

        await using var next = await scene.ConnectAsync();
        var adopted = Assert.Single(next.Adopted);
        Assert.Equal((ticket.Key, ticket.Class, ticket.TraceParent), (adopted.Key, adopted.Class, adopted.TraceParent));
        Assert.Equal(ticket.Message.ToArray(), adopted.Message.ToArray());
        Assert.Equal(["true"], adopted.Job.Request.Steps[0].Args);
        var heard = new ConcurrentQueue<JobEvent>();
        var answer = next.RunAsync(adopted, heard.Enqueue, default);
        await next.SettleAsync(RunnerScene.Ticket("other").Key);
        gate.Open();
        Assert.Equal("ctg-adopted-1", RunnerScene.Stdout(await answer.WaitAsync(patience)));
        Assert.Equal([JobEventKind.Output, JobEventKind.Step], heard.Select(happened => happened.Kind));
        Assert.Equal(1, gate.Runs);
    }

    [Fact]
    public async Task R8_What_ended_while_no_agent_was_there_is_answered_from_the_journal_until_it_is_settled()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        var ticket = RunnerScene.Ticket("finished");
        var dead = await scene.ConnectAsync();
        var lost = dead.RunAsync(ticket, _ => { }, default);
        await gate.BegunAsync();
        await dead.DisposeAsync();
        await Assert.ThrowsAsync<RunnerLostException>(() => lost);
        gate.Open();
        await Eventually.IsAsync(() => Directory.EnumerateFiles($"{scene.Place.JournalDirectory}/results", "*.result").Any());

        await using (var next = await scene.ConnectAsync())
        {
            var answer = await next.RunAsync(Assert.Single(next.Adopted), _ => { }, default);
            Assert.True(answer.Repeated);
            Assert.Equal("ctg-finished-1", RunnerScene.Stdout(answer));
            await next.SettleAsync(ticket.Key);
        }

        await using var last = await scene.ConnectAsync();
        Assert.Empty(last.Adopted);
        Assert.True((await last.RunAsync(ticket, _ => { }, default)).Repeated);
        Assert.Equal(1, gate.Runs);
    }

    [Fact]
    public async Task A_runner_that_follows_another_answers_with_what_that_one_kept()
    {
        await using var scene = new RunnerScene();
        var ticket = RunnerScene.Ticket("kept");
        await using (var client = await scene.ConnectAsync())
        {
            await client.RunAsync(ticket, _ => { }, default);
            await client.EndRunnersAsync(default);
        }

        await scene.EndedAsync();
        scene.Run = (_, _, _) => throw new InvalidOperationException("It is run again.");
        await using var next = await scene.ConnectAsync();
        Assert.Equal(2, scene.Started);
        Assert.Equal(ticket.Key, Assert.Single(next.Adopted).Key);
        Assert.True((await next.RunAsync(ticket, _ => { }, default)).Repeated);
    }

    [Fact]
    public async Task Leaving_stops_the_waiting_and_not_the_run()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        await using var client = await scene.ConnectAsync();
        using var leave = new CancellationTokenSource();
        var ticket = RunnerScene.Ticket("left");
        var waiting = client.RunAsync(ticket, _ => { }, leave.Token);
        await gate.BegunAsync();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Open();
        Assert.Equal(Outcome.Ok, (await client.RunAsync(ticket, _ => { }, default)).Outcome);
        Assert.Equal(1, gate.Runs);
    }

    [Fact]
    public async Task A_cancelled_run_answers_that_it_was_cancelled_even_where_it_was_just_ending()
    {
        await using var scene = new RunnerScene();
        var begun = new SemaphoreSlim(0);
        scene.Run = async (request, _, cancellation) =>
        {
            begun.Release();
            if (request.Id.Value.Contains("preparing", StringComparison.Ordinal)) await Task.Delay(Timeout.Infinite, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return RunnerScene.Ok("collected");
        };
        await using var client = await scene.ConnectAsync();
        foreach (var id in (string[])["preparing", "collecting"])
        {
            var ticket = RunnerScene.Ticket(id);
            var waiting = client.RunAsync(ticket, _ => { }, default);
            await begun.WaitAsync(patience);
            await client.CancelAsync(ticket.Key, abandon: false);
            var answer = await waiting.WaitAsync(patience);
            Assert.Equal((Outcome.Cancelled, Outcome.Cancelled), (answer.Outcome, JobResultCodec.Decode(answer.Result).Report.Outcome));
            Assert.True((await client.RunAsync(ticket, _ => { }, default)).Repeated);
        }
    }

    [Fact]
    public async Task Of_an_abandoned_run_nothing_is_kept_and_it_can_be_run_again()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        await using var client = await scene.ConnectAsync();
        var ticket = RunnerScene.Ticket("abandoned");
        var waiting = client.RunAsync(ticket, _ => { }, default);
        await gate.BegunAsync();
        await client.CancelAsync(ticket.Key, abandon: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(patience));
        gate.Open();
        var answer = await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience);
        Assert.Equal((Outcome.Ok, false, 2), (answer.Outcome, answer.Repeated, gate.Runs));
    }

    [Fact]
    public async Task Where_there_is_no_room_nothing_was_begun_and_nothing_is_kept()
    {
        await using var scene = new RunnerScene { Run = (_, _, _) => throw new CapacityException("All 64 slices are in use.") };
        await using var client = await scene.ConnectAsync();
        var error = await Assert.ThrowsAsync<CapacityException>(() => client.RunAsync(RunnerScene.Ticket("room"), _ => { }, default));
        Assert.Equal("All 64 slices are in use.", error.Message);
        scene.Run = (_, _, _) => Task.FromResult(RunnerScene.Ok());
        Assert.False((await client.RunAsync(RunnerScene.Ticket("room"), _ => { }, default)).Repeated);
    }

    [Fact]
    public async Task A_fault_of_ours_is_answered_and_may_be_tried_again()
    {
        await using var scene = new RunnerScene { Run = (_, _, _) => throw new StageException(Stage.CloneRootfs, "The disk is gone.") };
        await using var client = await scene.ConnectAsync();
        var ticket = RunnerScene.Ticket("fault");
        var answer = await client.RunAsync(ticket, _ => { }, default);
        Assert.Equal((Outcome.InternalError, false, "CloneRootfs: The disk is gone."), (answer.Outcome, answer.Final, RunnerScene.Message(answer)));
        scene.Run = (_, _, _) => Task.FromResult(RunnerScene.Ok());
        Assert.Equal(Outcome.Ok, (await client.RunAsync(ticket, _ => { }, default)).Outcome);
    }

    [Fact]
    public async Task What_is_wrong_with_a_job_is_its_result()
    {
        await using var scene = new RunnerScene { Run = (_, _, _) => throw new RejectedRequestException("steps[0].args", "No.") };
        await using var client = await scene.ConnectAsync();
        var rejected = JobResultCodec.Decode((await client.RunAsync(RunnerScene.Ticket("rejected"), _ => { }, default)).Result).Report;
        Assert.Equal((Outcome.RejectedSpec, "steps[0].args", "No."), (rejected.Outcome, rejected.Field, rejected.Message));
        scene.Run = (_, _, _) => throw new ImageUnavailableException("x", "None.");
        Assert.Equal(Outcome.ImageUnavailable, (await client.RunAsync(RunnerScene.Ticket("no-image"), _ => { }, default)).Outcome);
    }

    [Fact]
    public async Task When_the_runner_ends_whoever_waits_is_told_and_the_next_job_starts_another_one()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        await using var client = await RunnerClient.ConnectAsync(
            new RunnerClientOptions { Place = scene.Place, Agent = "agent", Fingerprint = "one", Start = (id, _) => scene.Started == 0 ? scene.Start(id, "one") : StartOtherAsync(scene, id) }, scene.Log, default);
        var waiting = client.RunAsync(RunnerScene.Ticket("ends"), _ => { }, default);
        await gate.BegunAsync();
        await scene.StopRunnersAsync();

        // Its runs are given up when it is told to end; one that is killed closes its connections.
        await Assert.ThrowsAnyAsync<Exception>(() => waiting.WaitAsync(patience));
        gate.Open();
        Assert.Equal(Outcome.Ok, (await client.RunAsync(RunnerScene.Ticket("after"), _ => { }, default).WaitAsync(patience)).Outcome);
    }

    [Fact]
    public async Task A_runner_of_another_version_finishes_what_it_runs_and_a_new_one_takes_the_rest()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        var old = await scene.ConnectAsync(fingerprint: "old");
        var ticket = RunnerScene.Ticket("of-old");
        var lost = old.RunAsync(ticket, _ => { }, default);
        await gate.BegunAsync();
        await old.DisposeAsync();
        await Assert.ThrowsAsync<RunnerLostException>(() => lost);

        await using var client = await scene.ConnectAsync(fingerprint: "new");
        Assert.Equal((2, 2), (scene.Started, scene.Place.Ids().Count));
        var joined = client.RunAsync(Assert.Single(client.Adopted), _ => { }, default);
        scene.Run = (_, _, _) => Task.FromResult(RunnerScene.Ok("by the new one"));
        Assert.Equal("by the new one", RunnerScene.Stdout(await client.RunAsync(RunnerScene.Ticket("of-new"), _ => { }, default)));
        gate.Open();
        Assert.Equal("ctg-of-old-1", RunnerScene.Stdout(await joined.WaitAsync(patience)));
        await Eventually.IsAsync(() => scene.Place.Ids().Count == 1);
        Assert.True((await client.RunAsync(ticket, _ => { }, default)).Repeated);
        await client.SettleAsync(ticket.Key);
    }

    [Fact]
    public async Task A_runner_that_an_agent_has_finished_with_ends_when_nothing_runs()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run };
        await using var client = await scene.ConnectAsync();
        var waiting = client.RunAsync(RunnerScene.Ticket("last"), _ => { }, default);
        await gate.BegunAsync();
        var ending = client.EndRunnersAsync(default);
        gate.Open();
        Assert.Equal(Outcome.Ok, (await waiting.WaitAsync(patience)).Outcome);
        await ending.WaitAsync(patience);
        await scene.EndedAsync();
        Assert.Empty(scene.Place.Ids());
        Assert.Empty(Directory.EnumerateDirectories(scene.Place.JournalDirectory, "runner-*"));
    }

    [Fact]
    public async Task A_runner_without_agents_and_jobs_ends_by_itself_and_not_while_one_runs()
    {
        var gate = new Gate();
        await using var scene = new RunnerScene { Run = gate.Run, Options = options => options with { IdleTime = TimeSpan.FromMilliseconds(50) } };
        var client = await scene.ConnectAsync();
        var lost = client.RunAsync(RunnerScene.Ticket("alone"), _ => { }, default);
        await gate.BegunAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<RunnerLostException>(() => lost);
        Assert.Single(scene.Place.Ids());
        gate.Open();
        await scene.EndedAsync();
        Assert.Empty(scene.Place.Ids());
        Assert.Single(Directory.EnumerateFiles($"{scene.Place.JournalDirectory}/results", "*.result"));
    }

    [Fact]
    public async Task A_runner_whose_keeper_is_gone_takes_no_new_jobs()
    {
        await using var scene = new RunnerScene { Options = options => options with { IsWanted = () => false } };
        await using var client = await scene.ConnectAsync();
        await scene.EndedAsync();
        Assert.Contains("its keeper is gone", scene.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_clients_at_once_start_one_runner()
    {
        await using var scene = new RunnerScene();
        var clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => scene.ConnectAsync($"agent-{i}")));
        Assert.Equal(1, scene.Started);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [Fact]
    public async Task A_second_runner_of_a_place_says_that_there_is_one()
    {
        await using var scene = new RunnerScene { Options = options => options with { LockPatience = TimeSpan.FromMilliseconds(50) } };
        await using var client = await scene.ConnectAsync();
        await scene.Start("second", "one");
        var error = await Assert.ThrowsAsync<ContingiousException>(scene.EndedWithAnyAsync);
        Assert.Contains("Another runner of this account is running", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_dead_runner_left_of_its_socket_is_no_hindrance()
    {
        await using var scene = new RunnerScene();
        Directory.CreateDirectory(scene.Place.SocketDirectory);
        using (var dead = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint($"{scene.Place.SocketDirectory}/x.sock"));
            File.Move($"{scene.Place.SocketDirectory}/x.sock", $"{scene.Place.SocketDirectory}/dead.sock");
        }

        await using var client = await scene.ConnectAsync();
        Assert.DoesNotContain("dead", scene.Place.Ids());
    }

    [Fact]
    public async Task A_runner_that_cannot_start_says_why()
    {
        await using var scene = new RunnerScene();
        var error = await Assert.ThrowsAsync<ContingiousException>(() => scene.ConnectAsync(start: (id, cancellation) => File.WriteAllTextAsync(scene.Place.FailureFile(id), "This host has no cgroups.", cancellation)));
        Assert.Equal("The runner did not start: This host has no cgroups.", error.Message);
    }

    [Fact]
    public async Task An_agent_that_reads_nothing_holds_no_run_up()
    {
        await using var scene = new RunnerScene { Options = options => options with { MostWaitingOutput = ByteSize.FromKiB(256) } };
        scene.Run = (_, observer, _) =>
        {
            observer.StepStarted("step");
            var block = new byte[64 << 10];
            for (var i = 0; i < 512; i++) observer.StepWrote("step", isStderr: false, block);
            observer.StepWrote("step", isStderr: false, "the end"u8);
            var report = RunnerScene.Ok();
            observer.StepEnded(report.Steps[0]);
            return Task.FromResult(report);
        };
        await using var client = await scene.ConnectAsync();
        using var reading = new SemaphoreSlim(0);
        var heard = new ConcurrentQueue<JobEvent>();
        var waiting = client.RunAsync(RunnerScene.Ticket("slow-reader"), happened =>
        {
            reading.Wait();
            reading.Release();
            heard.Enqueue(happened);
        }, default);

        // It is over though nobody has read.
        await Eventually.IsAsync(() => Directory.Exists($"{scene.Place.JournalDirectory}/results") && Directory.EnumerateFiles($"{scene.Place.JournalDirectory}/results", "*.result").Any());
        reading.Release();
        Assert.Equal(Outcome.Ok, (await waiting.WaitAsync(patience)).Outcome);
        Assert.Equal((JobEventKind.Started, JobEventKind.Step), (heard.First().Kind, heard.Last().Kind));
        Assert.InRange(heard.Count(happened => happened.Kind == JobEventKind.Output), 1, 512);
        Assert.Equal("the end", Encoding.UTF8.GetString(heard.Last(happened => happened.Kind == JobEventKind.Output).Data.Span));
    }

    private static Task StartOtherAsync(RunnerScene scene, string id)
    {
        _ = RunnerServer.RunAsync(scene.Place, new RunnerOptions { Id = id, Fingerprint = "one", IdleTime = TimeSpan.FromSeconds(5) }, () => Task.FromResult(new RunnerEngine(scene.Run)), TimeProvider.System, scene.Log, TestContext.Current.CancellationToken);
        return Task.CompletedTask;
    }
}
