using System.Collections.Concurrent;
using System.Text;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Tests.Leftovers;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Runner;

/// <summary>Runners in processes of their own, with the real engine; each test has a place of its own for them.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class RunnerProcessTests(EngineFixture fixture) : IDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);
    private static readonly Random random = new(Environment.ProcessId);

    private readonly string root = Directory.CreateTempSubdirectory("ctg-runner-").FullName;
    private readonly ListLogger<RunnerProcessTests> log = new();

    public static TheoryData<Stage> Stages => [.. Enum.GetValues<Stage>()];

    private RunnerPlace Place => new($"{root}/sockets", $"{root}/journal", $"{root}/runner.log");

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task R8_A_run_goes_on_without_its_agent_and_the_next_agent_gets_its_output_and_its_result()
    {
        var before = await FootprintAsync();
        var ticket = RunnerScene.Ticket(NewId(), "sh", "-c", "echo one; sleep 1; echo two; echo three >&2");
        var heard = new ConcurrentQueue<JobEvent>();
        var dead = await ConnectAsync();
        var lost = dead.RunAsync(ticket, heard.Enqueue, default);
        await Eventually.IsAsync(() => heard.Any(happened => happened.Kind == JobEventKind.Output));
        await dead.DisposeAsync();
        await Assert.ThrowsAsync<RunnerLostException>(() => lost);

        await using var next = await ConnectAsync();
        var later = new ConcurrentQueue<JobEvent>();
        var answer = await next.RunAsync(Assert.Single(next.Adopted), later.Enqueue, default).WaitAsync(patience);
        Assert.Equal((Outcome.Ok, "one\ntwo\n"), (answer.Outcome, RunnerScene.Stdout(answer)));
        Assert.Equal([(JobEventKind.Started, ""), (JobEventKind.Output, "one\n")], heard.Select(happened => (happened.Kind, Text(happened))));
        Assert.Equal("two\n", string.Concat(later.Where(happened => happened is { Kind: JobEventKind.Output, IsStderr: false }).Select(Text)));
        Assert.Equal("three\n", string.Concat(later.Where(happened => happened is { Kind: JobEventKind.Output, IsStderr: true }).Select(Text)));
        Assert.Equal((JobEventKind.Step, Outcome.Ok), (later.Last().Kind, later.Last().Outcome));
        await next.EndRunnersAsync(default).WaitAsync(patience);
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
    }

    [Fact]
    public async Task R8_A_runner_killed_at_any_moment_leaves_nothing_and_its_jobs_come_out_right()
    {
        var before = await FootprintAsync();
        for (var round = 0; round < (Soak.IsAsked ? 100 : 4); round++)
        {
            await using var client = await ConnectAsync();
            var tickets = Enumerable.Range(0, 6).Select(i => RunnerScene.Ticket(NewId(), "sh", "-c", $"setsid sleep 1000 & for i in 1 2 3; do sleep 0.05; echo {i} $i; done")).ToList();
            var first = tickets.Select(ticket => TryAsync(client, ticket)).ToList();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(600)));
            ProcessIdentity.Of(client.RunnerPid ?? 0)?.Signal(ProcessIdentity.SigKill);
            await Task.WhenAll(first).WaitAsync(patience);

            var answers = await Task.WhenAll(tickets.Select(ticket => RunInTurnAsync(client, ticket))).WaitAsync(patience);
            for (var i = 0; i < answers.Length; i++) Assert.Equal((Outcome.Ok, $"{i} 1\n{i} 2\n{i} 3\n"), (answers[i].Outcome, RunnerScene.Stdout(answers[i])));
            foreach (var ticket in tickets) await client.SettleAsync(ticket.Key);
            Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
            await client.EndRunnersAsync(default).WaitAsync(patience);
        }

        // A client that is answered in the very moment of a runner's death leaves its socket to whoever looks next.
        Assert.Equal(0, await RunnerClient.EndAllAsync(Place, NullLogger.Instance, default));
        Assert.Empty(Place.Ids());
        Assert.Empty(Directory.EnumerateFiles($"{root}/journal/deaths"));
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task R8_A_runner_killed_in_any_stage_of_a_job_leaves_nothing_and_the_next_runs_the_job(Stage stage)
    {
        var before = await FootprintAsync();
        var trap = new Trap(stage, 1, stage == Stage.LeaseImage ? TimeSpan.Zero : TimeSpan.FromMilliseconds(random.Next(3))).Text;
        var starts = 0;
        await using var client = await ConnectAsync(id => Interlocked.Increment(ref starts) == 1 ? RunnerVictim.StartAsync(Place, id, "one", trap) : StartAsync(id));
        var ticket = RunnerScene.Ticket($"poison-{NewId()}", job => job with { Outputs = ["out"] }, "sh", "-c", "setsid sleep 1000 & echo done | tee out");
        var error = await Assert.ThrowsAsync<RunnerLostException>(() => client.RunAsync(ticket, _ => { }, default).WaitAsync(patience));
        Assert.Contains("has ended", error.Message, StringComparison.Ordinal);
        var answer = await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience);
        Assert.Equal((Outcome.Ok, "done\n", 2), (answer.Outcome, RunnerScene.Stdout(answer), starts));
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
        await client.EndRunnersAsync(default).WaitAsync(patience);
    }

    [Fact]
    public async Task R3_A_job_that_ends_its_runner_twice_is_answered_and_not_run_again()
    {
        var before = await FootprintAsync();
        await using var client = await ConnectAsync(id => RunnerVictim.StartAsync(Place, id, "one", ""));
        var (poison, other) = (RunnerScene.Ticket($"poison-{NewId()}"), RunnerScene.Ticket(NewId(), "sh", "-c", "sleep 0.3; echo fine"));
        var bystander = TryAsync(client, other);
        await Assert.ThrowsAsync<RunnerLostException>(() => client.RunAsync(poison, _ => { }, default).WaitAsync(patience));
        await bystander.WaitAsync(patience);
        await Assert.ThrowsAsync<RunnerLostException>(() => client.RunAsync(poison, _ => { }, default).WaitAsync(patience));
        var answer = await client.RunAsync(poison, _ => { }, default).WaitAsync(patience);
        Assert.Equal((Outcome.InternalError, true), (answer.Outcome, answer.Final));
        Assert.StartsWith("The job has ended its runner twice", RunnerScene.Message(answer), StringComparison.Ordinal);
        Assert.Equal("fine\n", RunnerScene.Stdout(await client.RunAsync(other, _ => { }, default).WaitAsync(patience)));
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
        await client.EndRunnersAsync(default).WaitAsync(patience);
    }

    [Fact]
    public async Task Another_job_by_the_id_and_attempt_of_one_that_runs_waits_as_where_there_is_no_room()
    {
        var before = await FootprintAsync();
        await using var client = await ConnectAsync();
        var id = NewId();
        var (one, other) = (RunnerScene.Ticket(id, "sh", "-c", "echo; sleep 1000"), RunnerScene.Ticket(id, "echo", "other"));
        var heard = new ConcurrentQueue<JobEvent>();
        var waiting = client.RunAsync(one, heard.Enqueue, default);
        await Eventually.IsAsync(() => heard.Any(happened => happened.Kind == JobEventKind.Output));
        var error = await Assert.ThrowsAsync<CapacityException>(() => client.RunAsync(other, _ => { }, default).WaitAsync(patience));
        Assert.Contains("is running on this host already", error.Message, StringComparison.Ordinal);
        await client.CancelAsync(one.Key, abandon: false);
        Assert.Equal(Outcome.Cancelled, (await waiting.WaitAsync(patience)).Outcome);

        // Its sandbox is given back behind the answer.
        await Eventually.IsAsync(() => !Directory.Exists($"{fixture.Layout.SandboxesDirectory}/{SandboxId.For(one.Key.JobId, one.Key.Attempt)}"));
        await HostFootprint.SettleAsync(fixture.Layout, before);
        Assert.Equal("other\n", RunnerScene.Stdout(await client.RunAsync(other, _ => { }, default).WaitAsync(patience)));
        await client.EndRunnersAsync(default).WaitAsync(patience);
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
    }

    [Fact]
    public async Task R10_A_runner_that_is_told_to_end_gives_its_sandboxes_back()
    {
        var before = await FootprintAsync();
        await using var client = await ConnectAsync(command: true);
        var heard = new ConcurrentQueue<JobEvent>();
        var waiting = client.RunAsync(RunnerScene.Ticket(NewId(), "sh", "-c", "trap '' TERM; echo; sleep 1000"), heard.Enqueue, default);
        await Eventually.IsAsync(() => heard.Any(happened => happened.Kind == JobEventKind.Output));
        var runner = Assert.NotNull(ProcessIdentity.Of(client.RunnerPid ?? 0));
        runner.Signal(ProcessIdentity.SigTerm);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(patience));
        await Eventually.IsAsync(() => !runner.IsAlive);
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
        Assert.Empty(Directory.EnumerateFileSystemEntries($"{fixture.Layout.StateDirectory}/journal", "runner-*"));
    }

    [Fact]
    public async Task The_command_is_found_by_all_agents_of_the_account_runs_jobs_and_refuses_to_be_twice()
    {
        await FootprintAsync();
        await using var client = await ConnectAsync(command: true);
        var ticket = RunnerScene.Ticket(NewId(), "echo", "from the command");
        Assert.Equal("from the command\n", RunnerScene.Stdout(await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience)));
        await using (var other = await ConnectAsync(command: true))
        {
            Assert.Equal((client.RunnerPid, ticket.Key), (other.RunnerPid, Assert.Single(other.Adopted).Key));
            await other.SettleAsync(ticket.Key);
        }

        var second = await Cli.RunAsync("runner", "--id", "second");
        Assert.Equal(125, second.ExitCode);
        Assert.Contains("Another runner of this account is running", second.Stderr, StringComparison.Ordinal);

        // A session of its own, nothing of whoever started it.
        var pid = client.RunnerPid;
        var environment = await File.ReadAllTextAsync($"/proc/{pid}/environ");
        Assert.DoesNotContain("CONTINGIOUS_CLI", environment, StringComparison.Ordinal);
        Assert.Equal($"{pid}", File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ')[3]);
        var files = Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Select(file => (Path.GetFileName(file), new FileInfo(file).LinkTarget)).ToDictionary();
        Assert.Equal(("/dev/null", $"{fixture.Layout.RuntimeDirectory}/runner.log"), (files["0"], files["1"]));
        Assert.Equal("stopped 1\n", (await Cli.RunAsync("runner", "--stop")).Stdout);
    }

    [Fact]
    public async Task R11_Without_its_directories_a_runner_starts_clean()
    {
        var before = await FootprintAsync();
        await using (var client = await ConnectAsync())
        {
            await client.RunAsync(RunnerScene.Ticket(NewId()), _ => { }, default).WaitAsync(patience);
            ProcessIdentity.Of(client.RunnerPid ?? 0)?.Signal(ProcessIdentity.SigKill);
        }

        Directory.Delete(Place.SocketDirectory, recursive: true);
        Directory.Delete(Place.JournalDirectory, recursive: true);
        await using var next = await ConnectAsync();
        Assert.Empty(next.Adopted);
        Assert.Equal(Outcome.Ok, (await next.RunAsync(RunnerScene.Ticket(NewId()), _ => { }, default).WaitAsync(patience)).Outcome);
        await next.EndRunnersAsync(default).WaitAsync(patience);
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
    }

    [Fact]
    public async Task With_a_full_disk_jobs_still_get_their_results()
    {
        await FootprintAsync();
        Directory.CreateDirectory(Place.JournalDirectory);
        await Engine.Programs.ProgramRunner.RequireAsync(new Engine.Programs.ProgramRequest("mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=12", "tmpfs", Place.JournalDirectory), default);
        try
        {
            await using var client = await ConnectAsync();
            foreach (var ticket in Enumerable.Range(0, 8).Select(_ => RunnerScene.Ticket(NewId(), "sh", "-c", "head -c 50000 /dev/zero")))
            {
                var answer = await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience);
                Assert.Equal((Outcome.Ok, 50_000), (answer.Outcome, RunnerScene.Stdout(answer).Length));
                Assert.True((await client.RunAsync(ticket, _ => { }, default)).Repeated);
            }

            Assert.InRange(Directory.EnumerateFiles($"{Place.JournalDirectory}/results").Count(), 0, 4);
            await client.EndRunnersAsync(default).WaitAsync(patience);
        }
        finally
        {
            await Engine.Programs.ProgramRunner.RequireAsync(new Engine.Programs.ProgramRequest("umount", "-l", Place.JournalDirectory), default);
        }
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task A_job_that_is_cancelled_in_any_stage_says_so_and_leaves_nothing(Stage stage)
    {
        var before = await FootprintAsync();
        await using var scene = new RunnerScene();
        var cancel = new TaskCompletionSource<Action>();
        var ticket = RunnerScene.Ticket(NewId(), job => job with { Outputs = ["*"] }, "sh", "-c", "echo begun >out");
        var options = TestedEngine.Options with { Entering = now => Enter(now == stage, cancel.Task) };
        var engine = await SandboxEngine.OpenAsync(fixture.Layout, options, TimeProvider.System, NullLogger.Instance);
        scene.Run = engine.RunAsync;
        await using var client = await scene.ConnectAsync();
        cancel.SetResult(() => client.CancelAsync(ticket.Key, abandon: false).GetAwaiter().GetResult());
        var answer = await client.RunAsync(ticket, _ => { }, default).WaitAsync(patience);

        // Its verdict is there when its sandbox is given back, and may be on its way already.
        var outcome = stage == Stage.Release && answer.Outcome == Outcome.Ok ? Outcome.Ok : Outcome.Cancelled;
        Assert.Equal((outcome, outcome), (answer.Outcome, JobResultCodec.Decode(answer.Result).Report.Outcome));
        Assert.Equal(before, await HostFootprint.SettleAsync(fixture.Layout, before));
    }

    [Fact(Explicit = true)]
    public async Task What_a_runner_costs()
    {
        await FootprintAsync();
        var engine = await fixture.EngineAsync();
        var begun = TimeProvider.System.GetTimestamp();
        await using var client = await ConnectAsync(command: true);
        var startUp = TimeProvider.System.GetElapsedTime(begun);
        async Task<double> InProcessAsync()
        {
            var ticket = RunnerScene.Ticket(NewId());
            var start = TimeProvider.System.GetTimestamp();
            await engine.RunAsync(ticket.Job.Request, default);
            return TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
        }

        async Task<double> ByRunnerAsync()
        {
            var ticket = RunnerScene.Ticket(NewId());
            var start = TimeProvider.System.GetTimestamp();
            await client.RunAsync(ticket, _ => { }, default);
            var elapsed = TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
            await client.SettleAsync(ticket.Key);
            return elapsed;
        }

        var (inProcess, byRunner) = (new List<double>(), new List<double>());
        for (var i = 0; i < 230; i++)
        {
            inProcess.Add(await InProcessAsync());
            byRunner.Add(await ByRunnerAsync());
        }

        static double Median(List<double> times) => times.Skip(30).Order().ElementAt((times.Count - 30) / 2);
        var memory = File.ReadLines($"/proc/{client.RunnerPid}/status").Where(line => line.StartsWith("VmRSS", StringComparison.Ordinal) || line.StartsWith("VmHWM", StringComparison.Ordinal));
        await Console.Out.WriteLineAsync($"MEASURED start-up {startUp.TotalMilliseconds:0} ms; in process {Median(inProcess):0.00} ms; by runner {Median(byRunner):0.00} ms; {string.Join(", ", memory)}");
        await client.EndRunnersAsync(default).WaitAsync(patience);
    }

    private static void Enter(bool isIt, Task<Action> cancel)
    {
        if (isIt) cancel.GetAwaiter().GetResult()();
    }

    private static string Text(JobEvent happened) => Encoding.UTF8.GetString(happened.Data.Span);

    private static async Task TryAsync(RunnerClient client, JobTicket ticket)
    {
        try
        {
            await client.RunAsync(ticket, _ => { }, default);
        }
        catch (ContingiousException)
        {
            // Its runner was killed.
        }
    }

    // As an agent does: jobs with which a runner has died run one at a time.
    private static async Task<RunAnswer> RunInTurnAsync(RunnerClient client, JobTicket ticket)
    {
        while (true)
        {
            try
            {
                return await client.RunAsync(ticket, _ => { }, default);
            }
            catch (Exception error) when (error is CapacityException or RunnerLostException)
            {
                // Lost: where all had ended before the runner was killed, nobody has noticed yet that it is gone.
                await Task.Delay(20);
            }
        }
    }

    private string NewId() => fixture.NewId().Value["ctg-".Length..];

    private async Task<IReadOnlyList<string>> FootprintAsync()
    {
        await fixture.SweepAsync();
        return HostFootprint.Take(fixture.Layout);
    }

    private Task StartAsync(string id) => RunnerVictim.StartAsync(Place, id, "one", "Release 1000 0");

    /// <param name="start">Starts a runner of that name.</param>
    /// <param name="command">Whether the runner is the command's own, which is another build than these tests.</param>
    private async Task<RunnerClient> ConnectAsync(Func<string, Task>? start = null, bool command = false) => await RunnerClient.ConnectAsync(
        new RunnerClientOptions
        {
            Place = command ? RunnerPlace.Of(fixture.Layout) : Place,
            Agent = "agent",
            Fingerprint = command ? (await Cli.RunAsync("runner", "--fingerprint")).Stdout.Trim() : "one",
            Start = (id, cancellation) => command ? RunnerStart.StartAsync(RunnerPlace.Of(fixture.Layout), fixture.Layout.StateDirectory, [Cli.Path, "runner", "--id", id], new Dictionary<string, string>(), cancellation) : (start ?? StartAsync)(id),
        },
        log,
        CancellationToken.None);
}
