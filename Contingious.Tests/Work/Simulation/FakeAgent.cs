using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Work.Simulation;

/// <summary>One life of an agent: it can end as agents do, or be killed between any two things that it does.</summary>
internal sealed class FakeAgent
{
    private readonly LivingTime time;

    public FakeAgent(FakeBroker broker, FakeRunnerHost host, AgentOptions options)
    {
        time = new LivingTime(broker.World.Time);
        Link = new FakeLink(broker);
        Link.Hear();
        Port = host.Connect();
        var parts = new AgentParts(Link, Port, Link, Link, Link, Link)
        {
            PublishStatus = status =>
            {
                Statuses.Add(AgentStatusCodec.Decode(status));
                return Task.CompletedTask;
            },
            Portrait = new AgentPortrait { Images = () => [new StatusImage("alpine", "sha256:0")] },
        };
        Work = new AgentWork(options with { Turned = () => Turns++ }, parts, time, NullLogger.Instance);
        Work.Start();
    }

    public FakeLink Link { get; }

    public FakeRunnerHost.Port Port { get; }

    public AgentWork Work { get; }

    public List<AgentStatus> Statuses { get; } = [];

    /// <summary>How often the agent's loop turned.</summary>
    public int Turns { get; private set; }

    public bool IsDead => time.IsDead;

    /// <summary>It was told to end.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>SIGKILL: nothing of it happens any more, and what it held goes back.</summary>
    public void Kill()
    {
        time.IsDead = true;
        Port.IsDead = true;
        Link.Die();
    }

    /// <summary>SIGTERM, and what the grace leaves.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        IsEnding = true;
        time.CreateTimer(_ => Work.Abandon(), null, grace, Timeout.InfiniteTimeSpan);
        await Work.DrainAsync();
        Kill();
    }

    /// <summary>SIGHUP.</summary>
    public async Task LeaveAsync()
    {
        IsEnding = true;
        await Work.LeaveAsync();
        Kill();
    }

    /// <summary>The world's time, as long as the agent lives.</summary>
    private sealed class LivingTime(ManualTime time) : TimeProvider
    {
        public bool IsDead { get; set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(
            passed =>
            {
                if (!IsDead) callback(passed);
            },
            state,
            dueTime,
            period);
    }
}
