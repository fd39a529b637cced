using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work.Simulation;

/// <summary>One agent on a host with two CPUs, at a broker that fails only when it is told to.</summary>
internal sealed class DeskScene
{
    private static readonly AgentOptions options = new() { Name = "agent", Capacity = new Capacity(2, ByteSize.FromGiB(2), ByteSize.FromGiB(4), 2), Slots = 2 };

    public DeskScene(FakeWorld world)
    {
        World = world;
        Broker = new FakeBroker(world);
        Host = new FakeRunnerHost(world, "host");
        Agent = new FakeAgent(Broker, Host, options);
    }

    public FakeWorld World { get; }

    public FakeBroker Broker { get; }

    public FakeRunnerHost Host { get; }

    public FakeAgent Agent { get; private set; }

    public void Begin() => Agent = new FakeAgent(Broker, Host, options);

    public void Pass(TimeSpan time) => World.Time.Advance(time);

    public void Runs(Outcome outcome, double seconds) => Host.Behaviour = _ => (outcome, TimeSpan.FromSeconds(seconds));

    public JobKey Post(string name, double cpus = 1, TimeSpan? startWithin = null, JobClass ofClass = JobClass.Interactive, TimeSpan? wall = null, int givenBack = 0)
    {
        var id = name.Replace(' ', '-');
        var limits = new Limits { Cpus = cpus, WallTime = wall ?? TimeSpan.FromSeconds(30) };
        var job = new Job(id, 1, new RunRequest
        {
            Id = SandboxId.For(id, 1),
            Image = "alpine",
            Steps = [new StepRequest { Args = ["true"], Limits = limits }],
            Limits = limits,
        })
        {
            StartBefore = startWithin is { } time ? World.Time.GetUtcNow() + time : null,
        };
        var body = JobCodec.Encode(job);
        Broker.Post(body, name, ofClass).GivenBack = givenBack;
        return JobKey.Of(job, body);
    }

    public RunReport OnlyReport() => JobResultCodec.Decode(Assert.Single(Broker.Published).Result).Report;

    public RunReport ReportOf(string name) => JobResultCodec.Decode(Assert.Single(Broker.Published, one => one.CorrelationId == name).Result).Report;
}
