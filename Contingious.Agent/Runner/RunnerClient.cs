using System.Security.Cryptography;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>How a client finds its runner.</summary>
internal sealed record RunnerClientOptions
{
    public required RunnerPlace Place { get; init; }

    /// <summary>The agent's name, which results say.</summary>
    public required string Agent { get; init; }

    /// <summary>A runner with another one is asked to retire, and a new one started beside it.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Starts a runner that will listen by that id.</summary>
    public required Func<string, CancellationToken, Task> Start { get; init; }

    /// <summary>How adopted jobs are decoded.</summary>
    public Func<JobClass, LimitPolicy> LimitsOf { get; init; } = _ => LimitPolicy.Documented;

    public TimeSpan StartPatience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What a runner answers at once it answers within this time, or it counts as gone.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same for the list of its jobs, which may be long.</summary>
    public TimeSpan ListPatience { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// Has jobs run by a runner in a process of its own, which is started where there is none. Talks to runners of earlier versions too until they are gone: they finish
/// what they run.
/// </summary>
internal sealed partial class RunnerClient : IJobRunner
{
    private const int MostStarts = 3;
    private static readonly TimeSpan shortestPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan longestPause = TimeSpan.FromMilliseconds(200);

    private readonly RunnerClientOptions options;
    private readonly ILogger logger;
    private readonly SemaphoreSlim connecting = new(1);
    private readonly Lock access = new();
    private readonly List<RunnerLink> retiring = [];
    private RunnerLink? active;

    private RunnerClient(RunnerClientOptions options, ILogger logger)
    {
        this.options = options;
        this.logger = logger;
    }

    public IReadOnlyList<JobTicket> Adopted { get; private set; } = [];

    /// <summary>The process of the runner that takes new jobs, where there is one now.</summary>
    public int? RunnerPid => Live()?.Runner.Pid;

    /// <summary>Finds the account's runners, starts one where there is none of this version, and asks for what they have.</summary>
    /// <exception cref="ContingiousException">None can be started; the sentence says why.</exception>
    public static async Task<RunnerClient> ConnectAsync(RunnerClientOptions options, ILogger logger, CancellationToken cancellation)
    {
        var client = new RunnerClient(options, logger);
        try
        {
            await client.ActiveAsync(cancellation).ConfigureAwait(false);
            client.Adopted = await client.ListAsync(cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<RunAnswer> RunAsync(JobTicket ticket, Action<JobEvent> events, CancellationToken leave)
    {
        var order = JobOrder.Of(ticket);
        void Tell(Frame frame) => Forward(frame, ticket.Key, events);

        // (1) An earlier runner may have it.
        foreach (var link in await RetiringAsync(leave).ConfigureAwait(false))
        {
            if (link.Runner.Protocol == Frame.ProtocolVersion && await JoinAsync(link, order, Tell, leave).ConfigureAwait(false) is { } joined) return Answer(joined);
        }

        // (2) Else the one that takes new jobs runs it, or answers from the journal.
        for (var attempt = 1; ; attempt++)
        {
            var link = await ActiveAsync(leave).ConfigureAwait(false);
            var answer = await link.AskAsync(FrameKind.Run, order.Write(), Tell, leave).ConfigureAwait(false);
            if (answer.Kind != FrameKind.Retiring) return Answer(answer);
            if (attempt == MostStarts) throw new ContingiousException($"{MostStarts} runners one after another took no new job. Their log, {options.Place.LogFile}, says why.");
            StepAside(link);
        }
    }

    public Task CancelAsync(JobKey key, bool abandon) => AskAllAsync(FrameKind.Cancel, new FieldWriter().Key(key).Bool(abandon), CancellationToken.None);

    public Task SettleAsync(JobKey key) => AskAllAsync(FrameKind.Settle, new FieldWriter().Key(key), CancellationToken.None);

    /// <summary>For an agent that has finished its jobs and is not to be followed by another one: the runners end when nothing runs any more.</summary>
    /// <param name="cancellation">Stops waiting for that; those that were asked end all the same.</param>
    public async Task EndRunnersAsync(CancellationToken cancellation)
    {
        // With those whose connection was lost meanwhile.
        await RetiringAsync(cancellation).ConfigureAwait(false);
        await AskAllAsync(FrameKind.Retire, fields: null, cancellation).ConfigureAwait(false);
        foreach (var link in Links()) await link.GoneAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Asks all runners of a place to end when nothing runs any more, and waits for that.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="ContingiousException">One does not answer.</exception>
    public static async Task<int> EndAllAsync(RunnerPlace place, ILogger logger, CancellationToken cancellation)
    {
        var ended = 0;
        foreach (var id in place.Ids())
        {
            if (await RunnerLink.ConnectAsync(place, id, "contingious runner --stop", logger, cancellation).ConfigureAwait(false) is not { } link) continue;
            await using (link.ConfigureAwait(false))
            {
                await link.AskSoonAsync(FrameKind.Retire, fields: null, told: null, RunnerLink.WelcomePatience, cancellation).ConfigureAwait(false);
                await link.GoneAsync(cancellation).ConfigureAwait(false);
                ended++;
            }
        }

        return ended;
    }

    /// <summary>Leaves the runners and what they run to the next agent.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var link in Links()) await link.DisposeAsync().ConfigureAwait(false);
        connecting.Dispose();
    }

    private static RunAnswer Answer(Frame frame)
    {
        var fields = new FieldReader(frame.Fields);
        return frame.Kind switch
        {
            FrameKind.Answer => AnswerMessage.Read(fields),
            FrameKind.NoRoom => throw new CapacityException(fields.Text()),
            FrameKind.Abandoned => throw new OperationCanceledException("The run was abandoned."),
            _ => throw new RunnerProtocolException($"A runner answered a job with a frame of kind {frame.Kind}."),
        };
    }

    private void Forward(Frame frame, JobKey key, Action<JobEvent> events)
    {
        try
        {
            events(EventMessage.Read(new FieldReader(frame.Fields), key));
        }
        catch (Exception error)
        {
            // Whoever listens has a fault; the job and the other jobs of this connection have not.
            logger.EventNotTaken(key.JobId, key.Attempt, error);
        }
    }

    private async Task<IReadOnlyList<JobTicket>> ListAsync(CancellationToken cancellation)
    {
        var adopted = new Dictionary<JobKey, JobTicket>();
        foreach (var link in Links().Where(link => link.Runner.Protocol == Frame.ProtocolVersion))
        {
            var orders = new List<JobOrder>();
            try
            {
                await link.AskSoonAsync(FrameKind.List, fields: null, frame => orders.Add(JobOrder.Read(new FieldReader(frame.Fields))), options.ListPatience, cancellation).ConfigureAwait(false);
            }
            catch (RunnerLostException)
            {
                // Its jobs come again; those that it has told are adopted.
            }

            foreach (var order in orders)
            {
                try
                {
                    adopted.TryAdd(order.Key, new JobTicket(order.Key, JobCodec.Decode(order.Message, options.LimitsOf(order.Class)), order.Message, order.Class) { TraceParent = order.TraceParent });
                }
                catch (WireException error)
                {
                    // The limits were lowered meanwhile: it is refused when it comes again.
                    logger.JobNotAdopted(order.Key.JobId, order.Key.Attempt, link.Id, error.Message);
                }
            }
        }

        return [.. adopted.Values];
    }

    /// <summary>Asks an earlier runner for a job.</summary>
    /// <returns>Nothing where it does not know the job, or is gone.</returns>
    private async Task<Frame?> JoinAsync(RunnerLink link, JobOrder order, Action<Frame> tell, CancellationToken leave)
    {
        try
        {
            // The answer may take as long as the run does. It reads in turn: when it answers the second question, it has read the first.
            var joined = link.AskAsync(FrameKind.Join, (order with { Message = default }).Write(), tell, leave);
            await link.ProbeAsync(options.Agent, options.AnswerPatience, leave).ConfigureAwait(false);
            return await joined.ConfigureAwait(false) is { Kind: not FrameKind.Unknown } answer ? answer : null;
        }
        catch (RunnerLostException)
        {
            // What it had finished is in the journal, what not is run again.
            return null;
        }
    }

    private async Task AskAllAsync(FrameKind kind, FieldWriter? fields, CancellationToken cancellation)
    {
        await Task.WhenAll(Links().Where(link => kind == FrameKind.Retire || link.Runner.Protocol == Frame.ProtocolVersion).Select(AskAsync)).ConfigureAwait(false);

        async Task AskAsync(RunnerLink link)
        {
            try
            {
                await link.AskSoonAsync(kind, fields, told: null, options.AnswerPatience, cancellation).ConfigureAwait(false);
            }
            catch (RunnerLostException)
            {
                // So is what was to be ended or settled, but for files, which go by themselves.
            }
        }
    }
}
