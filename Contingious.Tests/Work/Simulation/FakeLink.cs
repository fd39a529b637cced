using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Work.Simulation;

/// <summary>An agent's side of the <see cref="FakeBroker"/>: slow, cut at times, and silent for ever once its agent is dead.</summary>
internal sealed class FakeLink : IJobSource, IDecisionLog, IResultPublisher, IControlFeed, IEventSink
{
    private readonly FakeBroker broker;
    private readonly FakeWorld world;
    private readonly Dictionary<JobKey, CancellationTokenSource> decided = [];
    private readonly Dictionary<(string JobId, int Attempt), CancellationTokenSource> cancels = [];
    private readonly List<Action> whenUp = [];
    private TaskCompletionSource<IJobDelivery>? taking;
    private int read;

    public FakeLink(FakeBroker broker)
    {
        this.broker = broker;
        world = broker.World;
        read = broker.Decisions.Count;
        broker.Links.Add(this);
    }

    public bool IsUp { get; private set; } = true;

    public bool IsDead { get; private set; }

    public bool IsTaking => taking is not null;

    public List<FakeDelivery> Unacked { get; } = [];

    /// <summary>The next publishing is told to be lost though the broker has it, or is lost.</summary>
    public double PublishLoss { get; set; }

    /// <summary>So many publishings are refused.</summary>
    public int Refusals { get; set; }

    /// <summary>Is connected, and the broker answers nothing.</summary>
    public void Silence() => IsUp = false;

    public void Cut()
    {
        if (!IsUp || IsDead) return;
        IsUp = false;
        TakeBack();
        world.Time.After(world.Between(0.1, 5), Restore);
    }

    public void Die()
    {
        IsDead = true;
        IsUp = false;
        taking = null;
        broker.Links.Remove(this);
        TakeBack();
    }

    /// <summary>Ends a connection as an agent does that stops: what it holds goes back.</summary>
    public void Close() => Die();

    public Task<IJobDelivery> TakeAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (taking is not null) throw new InvalidOperationException("Two jobs are asked for at once.");
        var mine = taking = new TaskCompletionSource<IJobDelivery>();
        cancellation.Register(() =>
        {
            if (taking == mine) taking = null;
            mine.TrySetCanceled(cancellation);
        });
        broker.DeliverSoon();
        return mine.Task;
    }

    public void Deliver(FakeMessage message)
    {
        var delivery = new FakeDelivery(this, message);
        Unacked.Add(delivery);
        var mine = taking;
        taking = null;
        mine?.SetResult(delivery);
    }

    public Task CatchUpAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task<ReadOnlyMemory<byte>?> FindAsync(JobKey key, CancellationToken cancellation) =>
        SoonAsync(() => IsRead(key) ? broker.FirstOf(key) : null, cancellation);

    public async Task<ReadOnlyMemory<byte>> DecideAsync(JobKey key, ReadOnlyMemory<byte> result, CancellationToken cancellation)
    {
        await UpAsync(cancellation);
        await SoonAsync(() => true, cancellation);
        broker.Append(key, result);
        if (world.Chance(0.05)) broker.Append(key, result);
        var known = new TaskCompletionSource();
        using var waiting = Decided(key).Register(() => known.TrySetResult());
        using var givenUp = cancellation.Register(() => known.TrySetCanceled(cancellation));
        await known.Task;
        return broker.FirstOf(key) ?? throw new InvalidOperationException("What was put down is not there.");
    }

    public CancellationToken Decided(JobKey key)
    {
        if (!decided.TryGetValue(key, out var source)) decided[key] = source = new CancellationTokenSource();
        if (IsRead(key)) source.Cancel();
        return source.Token;
    }

    public CancellationToken CancelAsked(string jobId, int attempt)
    {
        if (!cancels.TryGetValue((jobId, attempt), out var source)) cancels[(jobId, attempt)] = source = new CancellationTokenSource();
        return source.Token;
    }

    public async Task<PublishFate> PublishAsync(ResultAddress address, ReadOnlyMemory<byte> result, CancellationToken cancellation)
    {
        if (!IsUp) return await SoonAsync(() => PublishFate.Lost, cancellation);
        if (Refusals > 0)
        {
            Refusals--;
            return await SoonAsync(() => PublishFate.Refused, cancellation);
        }

        var isLost = world.Chance(PublishLoss);
        await SoonAsync(() => true, cancellation);
        if (IsUp || world.Chance(0.5)) broker.Published.Add((address.CorrelationId, result.ToArray()));
        var confirmed = await SoonAsync(() => IsUp && !isLost, cancellation);
        return confirmed ? PublishFate.Confirmed : PublishFate.Lost;
    }

    public void Post(JobEvent happened) => broker.Events.Add(happened);

    /// <summary>Reads what is new, after a while and when it is connected.</summary>
    public void HearSoon() => world.Time.After(world.Latency(), () =>
    {
        if (IsDead) return;
        if (IsUp) Hear();
        else whenUp.Add(Hear);
    });

    /// <summary>Settles a delivery, where it is still this link's to settle.</summary>
    public Task SettleAsync(FakeDelivery delivery, Action<FakeMessage> settle)
    {
        if (Unacked.Contains(delivery)) world.Time.After(world.Latency(), () =>
        {
            if (Unacked.Remove(delivery)) settle(delivery.Message);
        });
        return Task.CompletedTask;
    }

    public void Return(FakeMessage message) => broker.GiveBack(message);

    public void Bury(FakeMessage message) => broker.DeadLetters.Add(message);

    /// <summary>Reads all there is, now.</summary>
    public void Hear()
    {
        if (IsDead) return;
        // The record is read before anybody is told of it.
        var from = read;
        read = broker.Decisions.Count;
        for (var i = from; i < read; i++)
        {
            if (decided.TryGetValue(broker.Decisions[i].Key, out var source)) source.Cancel();
        }

        foreach (var (jobId, attempt) in broker.Cancels.ToArray())
        {
            if (!cancels.TryGetValue((jobId, attempt), out var source)) cancels[(jobId, attempt)] = source = new CancellationTokenSource();
            source.Cancel();
        }
    }

    private bool IsRead(JobKey key)
    {
        for (var i = 0; i < read; i++)
        {
            if (broker.Decisions[i].Key == key) return true;
        }

        return false;
    }

    private void Restore()
    {
        if (IsDead) return;
        IsUp = true;
        foreach (var action in whenUp.ToArray()) action();
        whenUp.Clear();
        broker.DeliverSoon();
    }

    private void TakeBack()
    {
        foreach (var delivery in Unacked.ToArray())
        {
            Unacked.Remove(delivery);
            broker.GiveBack(delivery.Message);
            world.Time.After(world.Latency(), delivery.Lose);
        }
    }

    private Task UpAsync(CancellationToken cancellation)
    {
        if (IsUp) return Task.CompletedTask;
        var up = new TaskCompletionSource();
        cancellation.Register(() => up.TrySetCanceled(cancellation));
        whenUp.Add(() => up.TrySetResult());
        return up.Task;
    }

    /// <summary>After a while; never, once the agent is dead.</summary>
    private Task<T> SoonAsync<T>(Func<T> answer, CancellationToken cancellation)
    {
        var soon = new TaskCompletionSource<T>();
        cancellation.Register(() =>
        {
            if (!IsDead) soon.TrySetCanceled(cancellation);
        });
        world.Time.After(world.Latency(), () =>
        {
            if (!IsDead && !soon.Task.IsCompleted) soon.TrySetResult(answer());
        });
        return soon.Task;
    }
}

/// <summary>A message that an agent has and the broker still knows as its own.</summary>
internal sealed class FakeDelivery(FakeLink link, FakeMessage message) : IJobDelivery, IDisposable
{
    private readonly CancellationTokenSource lost = new();

    public FakeMessage Message => message;

    public JobClass Class => message.Class;

    public ReadOnlyMemory<byte> Body => message.Body;

    public long Size => message.Body.Length;

    public string? ReplyTo => message.HasReplyTo ? "replies" : null;

    public string? CorrelationId => message.CorrelationId;

    public DateTimeOffset? Posted => null;

    public string? TraceParent => null;

    public bool Redelivered => GivenBack > 0;

    public int GivenBack { get; } = message.GivenBack;

    public CancellationToken Lost => lost.Token;

    public Task AckAsync() => link.SettleAsync(this, _ => { });

    public Task RejectAsync(bool requeue) => link.SettleAsync(this, requeue ? link.Return : link.Bury);

    public void Dispose() => lost.Dispose();

    public void Lose()
    {
        if (!link.IsDead) lost.Cancel();
    }
}
