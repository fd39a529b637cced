using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work.Simulation;

/// <summary>Stands in for the runner process of one host: it outlives agents, keeps what is not settled, and dies at times with all that runs.</summary>
internal sealed class FakeRunnerHost(FakeWorld world, string name)
{
    private readonly Dictionary<JobKey, Run> runs = [];
    private readonly Dictionary<JobKey, int> deaths = [];
    private int made;
    private int lives;

    /// <summary>What a run comes to, and how long it takes; a fault of the host where it throws.</summary>
    public Func<JobTicket, (Outcome Outcome, TimeSpan Length)> Behaviour { get; set; } = _ => (Outcome.Ok, TimeSpan.FromSeconds(1));

    /// <summary>How long it takes an order for a run to arrive; what ends runs arrives at once.</summary>
    public TimeSpan OrderDelay { get; set; }

    public double NoRoom { get; set; }

    /// <summary>How long before its end a run tells that its last step is over; it does not where this is nothing.</summary>
    public TimeSpan Settling { get; set; }

    /// <summary>Runs that were begun, by job.</summary>
    public Dictionary<JobKey, int> Begun { get; } = [];

    public int Running => runs.Values.Count(run => run.Answer is null);

    /// <summary>The most of everything that ran at once.</summary>
    public Capacity Most { get; private set; } = Capacity.None;

    /// <summary>Everything that runs ends, and whoever waits for it hears so. Twice for the same job is once too often.</summary>
    public void Kill()
    {
        var dead = runs.Where(one => one.Value.Answer is null).ToArray();
        foreach (var (key, _) in dead)
        {
            deaths[key] = deaths.GetValueOrDefault(key) + 1;
            runs.Remove(key);
        }

        lives++;
        foreach (var (_, run) in dead) run.End(waiter => waiter.TrySetException(new RunnerLostException($"{name}-{lives}", "The runner ended.")));
    }

    /// <summary>SIGTERM: it gives up what runs.</summary>
    public void Terminate()
    {
        var ended = runs.Where(one => one.Value.Answer is null).ToArray();
        foreach (var (key, _) in ended) runs.Remove(key);
        foreach (var (_, run) in ended) run.End(waiter => waiter.TrySetCanceled());
    }

    public Port Connect() => new(this, [.. runs.Values.Select(run => run.Ticket)]);

    private Task ArriveAsync()
    {
        if (OrderDelay == TimeSpan.Zero) return Task.CompletedTask;
        var arrived = new TaskCompletionSource();
        world.Time.After(OrderDelay, arrived.SetResult);
        return arrived.Task;
    }

    private Task<RunAnswer> Join(JobTicket ticket, Action<JobEvent> events, Port port, CancellationToken leave)
    {
        if (deaths.GetValueOrDefault(ticket.Key) >= 2) return Task.FromResult(Encode(ticket, Outcome.InternalError, "It ended its runner twice.") with { Final = true });
        if (!runs.TryGetValue(ticket.Key, out var run))
        {
            if (world.Chance(NoRoom)) throw new CapacityException("All slices are in use.");
            run = Begin(ticket);
        }

        if (run.Answer is { } known) return Task.FromResult(known with { Repeated = true });
        var waiter = new TaskCompletionSource<RunAnswer>();
        run.Waiters.Add((port, waiter));
        run.Tell = events;
        leave.Register(() => waiter.TrySetCanceled(leave));
        events(new JobEvent(ticket.Key.JobId, ticket.Key.Attempt, JobEventKind.Started, world.Time.GetUtcNow()));
        return waiter.Task;
    }

    private Run Begin(JobTicket ticket)
    {
        Begun[ticket.Key] = Begun.GetValueOrDefault(ticket.Key) + 1;
        var (outcome, length) = Behaviour(ticket);
        var run = runs[ticket.Key] = new Run(ticket);
        var now = runs.Values.Where(one => one.Answer is null).Aggregate(Capacity.None, (sum, one) => sum.Plus(Capacity.Of(one.Ticket.Job.Request)));
        Most = new Capacity(Math.Max(Most.Cpus, now.Cpus), Larger(Most.Memory, now.Memory), Larger(Most.Disk, now.Disk), Math.Max(Most.Slots, now.Slots));
        world.Time.After(length, () => Finish(run, outcome));
        if (Settling > TimeSpan.Zero && Settling < length) world.Time.After(length - Settling, () => run.Tell(new JobEvent(ticket.Key.JobId, ticket.Key.Attempt, JobEventKind.Step, world.Time.GetUtcNow()) { Outcome = outcome }));
        return run;

        static ByteSize Larger(ByteSize one, ByteSize other) => one > other ? one : other;
    }

    private void Finish(Run run, Outcome outcome)
    {
        if (run.Answer is not null || runs.GetValueOrDefault(run.Ticket.Key) != run) return;
        var answer = Encode(run.Ticket, outcome, "");
        if (outcome == Outcome.InternalError) runs.Remove(run.Ticket.Key);
        else run.Answer = answer;
        run.End(waiter => waiter.TrySetResult(answer));
    }

    private void Cancel(JobKey key, bool abandon)
    {
        if (!runs.TryGetValue(key, out var run)) return;
        if (!abandon)
        {
            world.Time.After(world.Latency(), () => Finish(run, Outcome.Cancelled));
            return;
        }

        if (run.Answer is not null) return;
        runs.Remove(key);
        run.End(waiter => waiter.TrySetCanceled());
    }

    /// <summary>No two runs give the same bytes, so that two results of a job can be told apart.</summary>
    private RunAnswer Encode(JobTicket ticket, Outcome outcome, string message)
    {
        var report = new RunReport { Outcome = outcome, Message = $"{message} Made as number {++made} by {name}." };
        return new RunAnswer(outcome, JobResultCodec.Encode(new JobResult(ticket.Key.JobId, ticket.Key.Attempt, name, report)), Repeated: false);
    }

    /// <summary>An agent's connection to the runner; silent once the agent is dead.</summary>
    public sealed class Port(FakeRunnerHost host, IReadOnlyList<JobTicket> adopted) : IJobRunner
    {
        public bool IsDead { get; set; }

        public IReadOnlyList<JobTicket> Adopted => adopted;

        public async Task<RunAnswer> RunAsync(JobTicket ticket, Action<JobEvent> events, CancellationToken leave)
        {
            await host.ArriveAsync();
            return await host.Join(ticket, events, this, leave);
        }

        public Task CancelAsync(JobKey key, bool abandon)
        {
            host.Cancel(key, abandon);
            return Task.CompletedTask;
        }

        public Task SettleAsync(JobKey key)
        {
            if (host.runs.TryGetValue(key, out var run) && run.Answer is not null) host.runs.Remove(key);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class Run(JobTicket ticket)
    {
        public JobTicket Ticket => ticket;

        public RunAnswer? Answer { get; set; }

        public Action<JobEvent> Tell { get; set; } = _ => { };

        public List<(Port Port, TaskCompletionSource<RunAnswer> Waiter)> Waiters { get; } = [];

        public void End(Action<TaskCompletionSource<RunAnswer>> with)
        {
            foreach (var (port, waiter) in Waiters.ToArray())
            {
                if (!port.IsDead) with(waiter);
            }

            Waiters.Clear();
        }
    }
}
