using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work.Simulation;

/// <summary>One random history: what is posted, what fails, and what must hold at its end.</summary>
internal sealed class Chaos
{
    private static readonly Capacity capacity = new(2, ByteSize.FromGiB(1), ByteSize.FromGiB(2), 3);

    private readonly FakeWorld world;
    private readonly FakeBroker broker;
    private readonly FakeRunnerHost[] hosts;
    private readonly FakeAgent?[] agents = new FakeAgent?[2];
    private readonly int thread = Environment.CurrentManagedThreadId;
    private readonly Dictionary<string, Posted> posted = new(StringComparer.Ordinal);
    private readonly List<FakeAgent> lives = [];
    private readonly double faultRate;
    private readonly double publishLoss;
    private bool isWrecking = true;
    private int lastPost;

    public Chaos(FakeWorld world)
    {
        this.world = world;
        broker = new FakeBroker(world);
        hosts = [NewHost("left"), NewHost("right")];
        faultRate = world.Chance(0.5) ? 0 : world.Random.NextDouble() * 0.5;
        publishLoss = world.Chance(0.5) ? 0 : world.Random.NextDouble() * 0.3;
        Begin(0);
        Begin(1);
    }

    /// <summary>Posts and breaks things for so long.</summary>
    public void Wreck(TimeSpan length)
    {
        var jobs = world.Random.Next(1, 16);
        for (var i = 0; i < jobs; i++) Post(i, length);
        var failures = world.Random.Next(0, 25);
        for (var i = 0; i < failures; i++) world.Time.After(world.Between(0, length.TotalSeconds), Fail);
        world.Time.Advance(length);
    }

    /// <summary>Nothing fails any more, and whatever is to come has time to.</summary>
    public void Heal()
    {
        isWrecking = false;
        foreach (var link in broker.Links) link.PublishLoss = 0;
        foreach (var host in hosts) host.NoRoom = 0;
        for (var i = 0; i < agents.Length; i++)
        {
            if (agents[i] is null or { IsDead: true }) Begin(i);
        }

        for (var i = 0; i < 2; i++) world.Time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 240 && (broker.Unsettled > 0 || hosts.Any(host => host.Running > 0)); i++) world.Time.Advance(TimeSpan.FromSeconds(30));
    }

    public void AssertAllIsWell()
    {
        Assert.Equal(thread, Environment.CurrentManagedThreadId);
        Assert.True(broker.Unsettled == 0, $"{broker.Ready.Count} messages ready and {broker.Links.Sum(link => link.Unacked.Count)} unacknowledged");
        Assert.All(hosts, host => Assert.Equal(0, host.Running));
        Assert.All(lives, agent => Assert.False(agent.Work.Ended.IsFaulted));
        foreach (var post in posted.Values.Where(post => post.HasReplyTo)) AssertAnswered(post);
        foreach (var job in posted.Values.GroupBy(post => post.Key)) AssertOneResult(job.Key, [.. job]);
        foreach (var host in hosts) Assert.True(capacity.Holds(host.Most), $"{host.Most} ran at once, of {capacity}");
        foreach (var agent in agents) AssertIdle(agent);
    }

    private static void AssertIdle(FakeAgent? agent)
    {
        Assert.NotNull(agent);
        Assert.Empty(agent.Work.Desk.Cases);
        Assert.True(agent.Work.Admission.Free.Holds(capacity), $"{agent.Work.Admission.Free} is free of {capacity}");
    }

    private void AssertAnswered(Posted post)
    {
        var results = broker.Published.Where(one => one.CorrelationId == post.CorrelationId).ToList();
        Assert.True(results.Count > 0, $"{post.CorrelationId} has no result");
        var outcome = JobResultCodec.Decode(results[0].Result).Report.Outcome;
        if (post.IsGarbage) Assert.Equal(Outcome.RejectedSpec, outcome);
        if (post.IsCancelledBefore) Assert.Equal(Outcome.Cancelled, outcome);
        if (post.IsLate) Assert.Contains(outcome, new[] { Outcome.Expired, Outcome.Cancelled, Outcome.InternalError });
    }

    /// <summary>What anybody was told of a job is what the log has first.</summary>
    private void AssertOneResult(JobKey key, List<Posted> posts)
    {
        if (posts[0].IsGarbage) return;
        var ids = posts.Select(post => post.CorrelationId).ToHashSet(StringComparer.Ordinal);
        var results = broker.Published.Where(one => ids.Contains(one.CorrelationId)).ToList();
        var final = broker.FirstOf(key);
        Assert.NotNull(final);
        Assert.All(results, one => Assert.True(final.Value.Span.SequenceEqual(one.Result.Span), $"{key.JobId} was answered with what is not its final result"));
        Assert.Contains(broker.Events, one => one.Kind == JobEventKind.Finished && one.JobId == key.JobId);
    }

    private void Post(int number, TimeSpan within)
    {
        var at = world.Between(5, within.TotalSeconds);
        if (world.Chance(0.05))
        {
            world.Time.After(at, () => Send(new byte[] { 0xc1, (byte)number }, new Posted($"c-{++lastPost}", default) { IsGarbage = true }));
            return;
        }

        var isLate = world.Chance(0.05);
        var job = RandomJob(number, isLate, at);
        var body = JobCodec.Encode(job);
        var isCancelledBefore = world.Chance(0.05);
        if (isCancelledBefore) world.Time.After(TimeSpan.Zero, () => broker.Cancel(job.JobId, job.Attempt));
        for (var copies = world.Chance(0.15) ? 2 : 1; copies > 0; copies--)
        {
            var post = new Posted($"c-{++lastPost}", JobKey.Of(job, body)) { HasReplyTo = world.Chance(0.9), IsCancelledBefore = isCancelledBefore, IsLate = isLate };
            world.Time.After(copies == 1 ? at : world.Between(5, within.TotalSeconds + 30), () => Send(body, post));
        }

        if (world.Chance(0.1)) world.Time.After(world.Between(5, within.TotalSeconds), () => broker.Cancel(job.JobId, job.Attempt));
    }

    private void Send(ReadOnlyMemory<byte> body, Posted post)
    {
        posted[post.CorrelationId] = post;
        broker.Post(body, post.CorrelationId, (JobClass)world.Random.Next(4), post.HasReplyTo || post.IsGarbage);
    }

    private Job RandomJob(int number, bool isLate, TimeSpan at)
    {
        var limits = new Limits
        {
            Cpus = world.Random.Next(1, 21) / 10.0,
            Memory = ByteSize.FromMiB(world.Random.Next(16, 1025)),
            Disk = ByteSize.FromMiB(world.Random.Next(0, 2049)),
        };
        DateTimeOffset? startBefore = isLate ? world.Time.GetUtcNow() : world.Chance(0.1) ? world.Time.GetUtcNow() + at + world.Between(0, 20) : null;
        return new Job($"job-{number}", 1, new RunRequest
        {
            Id = SandboxId.For($"job-{number}", 1),
            Image = "alpine",
            Steps = [new StepRequest { Args = ["true"], Limits = limits }],
            Limits = limits,
        })
        {
            StartBefore = startBefore,
        };
    }

    private void Fail()
    {
        var i = world.Random.Next(2);
        switch (world.Random.Next(9))
        {
            case 0 or 1: agents[i]?.Link.Cut(); break;
            case 2 or 3: agents[i]?.Kill(); Later(i); break;
            case 4: hosts[i].Kill(); break;
            case 5: agents[i]?.Kill(); hosts[i].Kill(); Later(i); break;
            case 6: _ = StopAsync(i); break;
            case 7: _ = LeaveAsync(i); break;
            case 8: hosts[i].Terminate(); break;
        }
    }

    private async Task StopAsync(int i)
    {
        if (agents[i] is not { IsDead: false, IsEnding: false } agent) return;
        await agent.StopAsync(world.Between(0, 10));
        Later(i);
    }

    private async Task LeaveAsync(int i)
    {
        if (agents[i] is not { IsDead: false, IsEnding: false } agent) return;
        await agent.LeaveAsync();
        Later(i);
    }

    private void Later(int i) => world.Time.After(world.Between(0.5, 5), () =>
    {
        if (agents[i] is null or { IsDead: true }) Begin(i);
    });

    private void Begin(int i)
    {
        var agent = agents[i] = new FakeAgent(broker, hosts[i], new AgentOptions { Name = $"agent-{i}", Capacity = capacity, Slots = capacity.Slots });
        agent.Link.PublishLoss = isWrecking ? publishLoss : 0;
        lives.Add(agent);
    }

    private FakeRunnerHost NewHost(string name)
    {
        var host = new FakeRunnerHost(world, name) { NoRoom = world.Chance(0.3) ? 0.3 : 0, Settling = TimeSpan.FromSeconds(0.2) };
        host.Behaviour = _ => (OutcomeOfRun(), world.Chance(0.8) ? world.Between(0.01, 3) : world.Between(0.01, 40));
        return host;
    }

    private Outcome OutcomeOfRun()
    {
        if (isWrecking && world.Chance(faultRate)) return world.Chance(0.5) ? Outcome.InternalError : throw new InvalidOperationException("The host has a fault.");
        return world.Chance(0.5) ? Outcome.Ok : Outcome.WallTimeLimit;
    }

    private sealed record Posted(string CorrelationId, JobKey Key)
    {
        public bool HasReplyTo { get; init; } = true;

        public bool IsGarbage { get; init; }

        public bool IsCancelledBefore { get; init; }

        public bool IsLate { get; init; }
    }
}
