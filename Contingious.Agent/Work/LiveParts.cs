using Contingious.Agent.Configuration;
using Contingious.Agent.Queue;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

/// <summary>
/// The parts of an agent of this host: (1) its place, of which there is one to an account, (2) the runner, which may have been there before it, (3) the broker.
/// Closed in the opposite order.
/// </summary>
internal sealed class LiveParts(HostLayout layout, OperatorConfig config, AgentPortrait portrait, ILogger logger) : IAgentPartsSource
{
    /// <summary>Beside the longest job: waiting for room and for the host, getting ready, and publishing.</summary>
    private static readonly TimeSpan longestBeside = HeldJob.LongestWait + TimeSpan.FromMinutes(2);

    /// <summary>Nothing runs any more then: they only end.</summary>
    private static readonly TimeSpan runnersPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan brokersPause = TimeSpan.FromSeconds(2);

    private AgentLock? place;
    private RunnerClient? runner;
    private AgentBroker? broker;

    // The runner goes on without an agent, for the next one to adopt what it runs, unless it is known that there is nothing to adopt.
    private bool keepsRunner = true;

    public bool IsConnected => broker is { IsOpen: true, IsBlocked: false };

    /// <summary>
    /// Whether a broker that does not answer is waited for. An agent that is started says so and ends. One that follows another (<see cref="NextAgent"/>) would
    /// end that one's jobs with it, and that one had gone on.
    /// </summary>
    public bool WaitsForBroker { get; init; }

    /// <summary>How long a job may be with an agent from being taken to being acknowledged.</summary>
    public static TimeSpan LongestHold(AgentOptions options) => options.Classes.Values.Max(one => one.MaxWall) + longestBeside;

    public async Task<AgentParts> OpenAsync(CancellationToken cancellation)
    {
        place = AgentLock.Take(layout);
        var where = RunnerPlace.Of(layout);
        var clientOptions = new RunnerClientOptions
        {
            Place = where,
            Agent = config.Agent.Name,
            Fingerprint = RunnerFingerprint.Of(config),
            LimitsOf = config.Agent.LimitsOf,
            Start = (id, cancelled) => RunnerStart.StartAsync(where, layout.Account.Home, id, config.Handover, cancelled),
        };
        runner = await RunnerClient.ConnectAsync(clientOptions, logger, cancellation).ConfigureAwait(false);
        var weights = config.Agent.Classes.ToDictionary(one => one.Key, one => one.Value.Weight);
        var brokerOptions = BrokerOptions.Create(config.Broker);
        var longestHold = LongestHold(config.Agent);
        var opened = broker = await OpenBrokerAsync(() => AgentBroker.OpenAsync(brokerOptions, config.Agent.Name, weights, longestHold, logger, cancellation), cancellation).ConfigureAwait(false);

        // What was taken back comes again and is answered from the runner or the log: the agent does well to go on, and its operator to mend it.
        opened.Source.AckTimeoutLearned = learned => logger.HeldTooLong(learned.TotalSeconds, longestHold.TotalSeconds);
        return new AgentParts(opened.Source, runner, opened.Decisions, opened.Results, opened.Control, opened.Events)
        {
            Portrait = portrait,
            QueueOf = brokerOptions.JobsQueueOf,
            PublishStatus = status => opened.Events.PublishStatusAsync(status, config.Agent.Name, CancellationToken.None),
        };
    }

    /// <summary>Has <paramref name="report"/> called whenever somebody asks the agents how they are.</summary>
    public void WhenAsked(Action report)
    {
        if (broker is not null) broker.Control.ReportAsked = report;
    }

    public void Finished() => keepsRunner = false;

    public async ValueTask DisposeAsync()
    {
        if (broker is not null) await broker.DisposeAsync().ConfigureAwait(false);
        if (runner is not null)
        {
            if (!keepsRunner) await EndRunnersAsync(runner).ConfigureAwait(false);
            await runner.DisposeAsync().ConfigureAwait(false);
        }

        place?.Dispose();
        (broker, runner, place) = (null, null, null);
    }

    private async Task<AgentBroker> OpenBrokerAsync(Func<Task<AgentBroker>> openAsync, CancellationToken cancellation)
    {
        var said = "";
        while (true)
        {
            try
            {
                return await openAsync().ConfigureAwait(false);
            }
            catch (ContingiousException error) when (WaitsForBroker)
            {
                if (error.Message != said) logger.NotReconnected(error.Message);
                said = error.Message;
                await Task.Delay(brokersPause, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task EndRunnersAsync(RunnerClient runners)
    {
        using var patience = new CancellationTokenSource(runnersPatience);
        try
        {
            await runners.EndRunnersAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or ContingiousException)
        {
            logger.RunnerStays(error.Message);
        }
    }
}
