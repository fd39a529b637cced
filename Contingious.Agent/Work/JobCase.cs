using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>What a job at this desk came to.</summary>
internal abstract record CaseEnd
{
    /// <summary>It has its final result.</summary>
    /// <param name="Result">Encoded.</param>
    /// <param name="Repeated">It was not run for this.</param>
    /// <param name="DeadLetter">The message is to be kept for somebody to look at.</param>
    public sealed record Final(ReadOnlyMemory<byte> Result, bool Repeated, bool DeadLetter = false) : CaseEnd;

    /// <summary>It is for another agent, or for later.</summary>
    public sealed record GiveBack : CaseEnd;

    /// <summary>Every delivery of it was lost before it began; one that comes now begins anew.</summary>
    public sealed record Dropped : CaseEnd;

    /// <summary>The agent leaves, and the run goes on without it: nothing is settled.</summary>
    public sealed record Left : CaseEnd;
}

/// <summary>A job that is dealt with, in however many deliveries it came: a second one waits for what the first comes to.</summary>
internal sealed class JobCase(JobTicket ticket) : IDisposable
{
    private readonly Lock access = new();
    private readonly CancellationTokenSource unwanted = new();
    private readonly List<TaskCompletionSource<CaseEnd>> ending = [];
    private readonly List<TaskCompletionSource> placing = [];
    private readonly List<CancellationTokenRegistration> registrations = [];
    private CaseEnd? end;
    private bool isPlaced;
    private int live;

    public JobTicket Ticket => ticket;

    public JobKey Key => ticket.Key;

    public Job Job => ticket.Job;

    /// <summary>An earlier agent's, which the runner has.</summary>
    public bool IsAdopted { get; init; }

    /// <summary>What it has to run in already, where it is adopted.</summary>
    public Admission.Room? Room { get; init; }

    /// <summary>How often it was given back before, the most that any delivery says.</summary>
    public int GivenBack { get; private set; }

    /// <summary>It was with an agent before, this or another.</summary>
    public bool WasDelivered { get; private set; }

    public CasePhase Phase { get; set; }

    /// <summary>Cancelled when the broker has taken back every delivery of it.</summary>
    public CancellationToken Unwanted => unwanted.Token;

    public void Attach(IJobDelivery delivery)
    {
        lock (access)
        {
            live++;
            GivenBack = Math.Max(GivenBack, delivery.GivenBack);
            WasDelivered |= delivery.Redelivered;
        }

        // The token is the channel's, and lives for days: what is registered there keeps this job in memory until it is taken back.
        var registration = delivery.Lost.UnsafeRegister(static job => ((JobCase?)job)?.Detach(), this);
        lock (access)
        {
            if (end is null)
            {
                registrations.Add(registration);
                return;
            }
        }

        registration.Unregister();
    }

    /// <summary>Waits until it has begun, or waits for room, or is over: the next job may be asked for.</summary>
    public Task WhenPlacedAsync()
    {
        lock (access)
        {
            if (isPlaced) return Task.CompletedTask;
            placing.Add(new TaskCompletionSource());
            return placing[^1].Task;
        }
    }

    public Task<CaseEnd> WhenEndedAsync()
    {
        lock (access)
        {
            if (end is not null) return Task.FromResult(end);
            ending.Add(new TaskCompletionSource<CaseEnd>());
            return ending[^1].Task;
        }
    }

    public void Place()
    {
        TaskCompletionSource[] told;
        lock (access)
        {
            isPlaced = true;
            told = [.. placing];
            placing.Clear();
        }

        foreach (var one in told) one.SetResult();
    }

    public void Close(CaseEnd with)
    {
        TaskCompletionSource<CaseEnd>[] told;
        CancellationTokenRegistration[] registered;
        lock (access)
        {
            end = with;
            told = [.. ending];
            ending.Clear();
            registered = [.. registrations];
            registrations.Clear();
        }

        // It does not wait for a callback that runs in this moment, which may wait for the lock.
        foreach (var one in registered) one.Unregister();
        Place();
        foreach (var one in told) one.SetResult(with);
    }

    public void Dispose()
    {
        Room?.Dispose();
        unwanted.Dispose();
    }

    private void Detach()
    {
        lock (access)
        {
            if (--live > 0 || end is not null) return;
        }

        try
        {
            unwanted.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended in this moment, and asks nobody's leave any more.
        }
    }
}

/// <summary>How far a job at the desk is.</summary>
internal enum CasePhase
{
    /// <summary>It waits for room, or for the answer of the decision log.</summary>
    Held,

    /// <summary>The runner has it.</summary>
    Running,

    /// <summary>Its result is put down and published.</summary>
    Settling,
}
