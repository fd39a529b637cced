using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using RabbitMQ.Client;

namespace Contingious.Tests.Work;

/// <summary>An agent with a fake engine at a real broker, and a client that sees what comes back.</summary>
internal sealed class AgentScene : IAsyncDisposable
{
    /// <summary>Room for more than any test runs; a fault of ours is final the first time.</summary>
    public static AgentOptions AgentOptions { get; } = new() { Name = "grader-1", Capacity = new Capacity(64, ByteSize.FromGiB(64), ByteSize.FromGiB(1024), 64), Tries = 1, RefusedPatience = TimeSpan.FromSeconds(3) };

    private readonly List<AgentService> agents = [];

    private AgentScene(BrokerOptions options, RawClient raw, string replies)
    {
        Options = options;
        Raw = raw;
        Replies = replies;
    }

    public BrokerOptions Options { get; }

    public RawClient Raw { get; }

    /// <summary>The queue that answers go to.</summary>
    public string Replies { get; }

    /// <summary>Of the agent that was started last.</summary>
    public SceneParts? Parts { get; private set; }

    public FakeEngine Engine { get; } = new();

    public ListLogger<AgentService> Log { get; } = new();

    public static async Task<AgentScene> StartAsync(PrivateBroker broker, int slots = 4, string? agentUri = null)
    {
        var options = broker.NewOptions(agentUri);
        var raw = await RawClient.ConnectAsync(broker.Uri, options);
        var scene = new AgentScene(options, raw, await raw.DeclareReplyQueueAsync());
        await scene.AddAgentAsync(slots);
        return scene;
    }

    public async Task<AgentService> AddAgentAsync(int slots)
    {
        var options = AgentOptions with { Slots = slots };
        Parts = new SceneParts(options, Options, Engine.RunAsync, Log);
        var agent = new AgentService(options, Parts, TimeProvider.System, Log);
        agents.Add(agent);
        await agent.StartAsync(default);
        return agent;
    }

    /// <summary>Stops the agent that was started first.</summary>
    public Task StopAgentAsync(CancellationToken grace = default) => agents[0].StopAsync(grace);

    /// <summary>Has the agent that was started first leave, as SIGHUP does.</summary>
    public async Task LeaveAsync()
    {
        await agents[0].LeaveAsync();
        await agents[0].StopAsync(CancellationToken.None);
    }

    public static Job Job(string id, int attempt = 1, string content = "") => new(id, attempt, new RunRequest
    {
        Id = SandboxId.For(id, attempt),
        Image = "alpine",
        Steps = [new StepRequest { Args = ["cat"], Stdin = System.Text.Encoding.UTF8.GetBytes(content) }],
    });

    public Task PostAsync(Job job, string? correlationId = null) => Raw.PostAsync(JobCodec.Encode(job), Replies, correlationId);

    public async Task<JobResult> NextResultAsync() => JobResultCodec.Decode((await Raw.TakeAsync(Replies)).Body);

    public Task<BasicGetResult> NextReplyAsync() => Raw.TakeAsync(Replies);

    /// <summary>All jobs are settled: the agent stopped, and the queue has nothing to deliver again.</summary>
    public async Task AssertNothingLeftAsync()
    {
        await StopAgentAsync();
        Assert.Equal(0u, await Raw.CountReadyAsync(Options.JobsQueueOf(JobClass.Interactive)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            await agent.StopAsync(new CancellationToken(canceled: true));
            agent.Dispose();
        }

        await Raw.DisposeAsync();
    }
}
