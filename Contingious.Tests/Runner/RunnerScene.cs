using System.Collections.Concurrent;
using System.Text;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Runner;

/// <summary>A place for runners, with runners that are in this process: each client starts one where there is none.</summary>
internal sealed class RunnerScene : IAsyncDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("ctg-runner-").FullName;
    private readonly ConcurrentBag<Task> servers = [];
    private readonly CancellationTokenSource ending = new();
    private int started;

    public RunnerScene() => Place = new RunnerPlace($"{root}/sockets", $"{root}/journal", $"{root}/runner.log");

    public RunnerPlace Place { get; }

    public ListLogger<RunnerScene> Log { get; } = new();

    /// <summary>What a run does; by default it ends at once.</summary>
    public ObservedRun Run { get; set; } = (_, _, _) => Task.FromResult(Ok());

    /// <summary>What a runner gives up when it retires.</summary>
    public Func<Task> RetireAsync { get; set; } = () => Task.CompletedTask;

    public Func<RunnerOptions, RunnerOptions> Options { get; set; } = options => options;

    public int Started => started;

    /// <summary>Stops the runners that are in this process, as SIGTERM stops one of its own.</summary>
    public async Task StopRunnersAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(servers);
    }

    /// <summary>Waits for the first runner to end, and throws what it throws.</summary>
    public async Task EndedWithAnyAsync() => await await Task.WhenAny(servers).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Waits for the runners to end by themselves.</summary>
    public Task EndedAsync() => Task.WhenAll(servers).WaitAsync(TimeSpan.FromSeconds(30));

    public Task<RunnerClient> ConnectAsync(string agent = "agent", string fingerprint = "one", Func<string, CancellationToken, Task>? start = null) =>
        RunnerClient.ConnectAsync(new RunnerClientOptions { Place = Place, Agent = agent, Fingerprint = fingerprint, Start = start ?? ((id, _) => Start(id, fingerprint)) }, Log, CancellationToken.None);

    public Task Start(string id, string fingerprint)
    {
        Interlocked.Increment(ref started);
        var options = Options(new RunnerOptions { Id = id, Fingerprint = fingerprint });
        servers.Add(Task.Run(() => ServeAsync(options)));
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(servers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
        Directory.Delete(root, recursive: true);
    }

    // As the command does.
    private async Task ServeAsync(RunnerOptions options)
    {
        try
        {
            await RunnerServer.RunAsync(Place, options, () => Task.FromResult(new RunnerEngine((request, observer, cancellation) => Run(request, observer, cancellation)) { RetireAsync = RetireAsync }), TimeProvider.System, Log, ending.Token);
        }
        catch (Exception error)
        {
            await File.WriteAllTextAsync(Place.FailureFile(options.Id), $"{error}", CancellationToken.None);
            throw;
        }
    }

    public static JobTicket Ticket(string id, params string[] args) => Ticket(id, request => request, args);

    public static JobTicket Ticket(string id, Func<RunRequest, RunRequest> with, params string[] args)
    {
        var step = new StepRequest { Name = "step", Args = args.Length > 0 ? args : ["true"] };
        var request = with(new RunRequest { Id = SandboxId.For(id, 1), Image = TestedEngine.Name("alpine-hello-world"), Steps = [step], Limits = step.Limits });
        var job = new Job(id, 1, request);
        var message = JobCodec.Encode(job);
        return new JobTicket(JobKey.Of(job, message), JobCodec.Decode(message), message, JobClass.Batch) { TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    }

    public static RunReport Ok(string stdout = "") => new()
    {
        Outcome = Outcome.Ok,
        Steps = [new StepReport { Name = "step", Outcome = Outcome.Ok, ExitCode = 0, Stdout = Encoding.UTF8.GetBytes(stdout) }],
    };

    public static string Stdout(RunAnswer answer) => string.Concat(JobResultCodec.Decode(answer.Result).Report.Steps.Select(step => Encoding.UTF8.GetString(step.Stdout.Span)));

    public static string Message(RunAnswer answer) => JobResultCodec.Decode(answer.Result).Report.Message;
}
