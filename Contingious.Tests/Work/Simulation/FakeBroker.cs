using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Work.Simulation;

/// <summary>Stands in for the broker: queues that give back what was not acknowledged, a log of decisions, results, cancels.</summary>
internal sealed class FakeBroker(FakeWorld world)
{
    private readonly Dictionary<JobKey, ReadOnlyMemory<byte>> first = [];
    private long lastPost;

    public FakeWorld World => world;

    public List<FakeMessage> Ready { get; } = [];

    public List<FakeLink> Links { get; } = [];

    /// <summary>Every record, those that came too late as well.</summary>
    public List<(JobKey Key, ReadOnlyMemory<byte> Result)> Decisions { get; } = [];

    public HashSet<(string JobId, int Attempt)> Cancels { get; } = [];

    public List<(string CorrelationId, ReadOnlyMemory<byte> Result)> Published { get; } = [];

    public List<FakeMessage> DeadLetters { get; } = [];

    public List<JobEvent> Events { get; } = [];

    public int Unsettled => Ready.Count + Links.Sum(link => link.Unacked.Count);

    public FakeMessage Post(ReadOnlyMemory<byte> body, string correlationId, JobClass ofClass = JobClass.Interactive, bool hasReplyTo = true)
    {
        var message = new FakeMessage(++lastPost, body, correlationId, ofClass, hasReplyTo);
        Ready.Add(message);
        DeliverSoon();
        return message;
    }

    public void Cancel(string jobId, int attempt)
    {
        Cancels.Add((jobId, attempt));
        foreach (var link in Links.ToArray()) link.HearSoon();
    }

    public ReadOnlyMemory<byte>? FirstOf(JobKey key) => first.TryGetValue(key, out var result) ? result : (ReadOnlyMemory<byte>?)null;

    public void Append(JobKey key, ReadOnlyMemory<byte> result)
    {
        Decisions.Add((key, result));
        first.TryAdd(key, result);
        foreach (var link in Links.ToArray()) link.HearSoon();
    }

    public void GiveBack(FakeMessage message)
    {
        message.GivenBack++;
        // A quorum queue puts it where it was, as far as it can.
        Ready.Insert(world.Random.Next(Math.Min(2, Ready.Count) + 1), message);
        DeliverSoon();
    }

    public void DeliverSoon() => world.Time.After(world.Latency(), Deliver);

    private void Deliver()
    {
        foreach (var link in Links.OrderBy(_ => world.Random.Next()).ToArray())
        {
            if (Ready.Count == 0) return;
            if (!link.IsUp || !link.IsTaking) continue;
            var message = Ready[0];
            Ready.RemoveAt(0);
            link.Deliver(message);
        }
    }
}

internal sealed record FakeMessage(long Number, ReadOnlyMemory<byte> Body, string CorrelationId, JobClass Class, bool HasReplyTo)
{
    public int GivenBack { get; set; }
}
