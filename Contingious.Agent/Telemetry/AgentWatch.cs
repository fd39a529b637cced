using Contingious.Agent.Configuration;
using Contingious.Agent.Work;

namespace Contingious.Agent.Telemetry;

/// <summary>All that lets others see how an agent is: gauges, what is sent by OTLP, and the pages of health and metrics, as far as each is asked for.</summary>
internal sealed class AgentWatch : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> parts = [];

    /// <summary>Where the pages are served; nothing: they are not.</summary>
    public System.Net.IPEndPoint? Address { get; private set; }

    /// <param name="options">What the operator decided.</param>
    /// <param name="agent">The agent's name.</param>
    /// <param name="look">How it is; must not block.</param>
    /// <param name="health">Whether it is well; must not block.</param>
    /// <param name="runners">Where the account's runners write what they count (<see cref="RunnerMetrics"/>).</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="Engine.ContingiousException">The address of the pages cannot be had, or the file of headers cannot be read.</exception>
    public static async Task<AgentWatch> StartAsync(TelemetryOptions options, string agent, Func<AgentSnapshot> look, Func<AgentHealth> health, string runners, CancellationToken cancellation)
    {
        var watch = new AgentWatch();
        try
        {
            if (TelemetryExport.Start(options, "contingious-agent", agent) is { } export) watch.parts.Add(export);
            watch.parts.Add(new Closing(new AgentGauges(look)));
            if (options.Listen is not { } address) return watch;
            var metrics = new MetricsReader(AgentTelemetry.Name, Engine.Telemetry.Name);
            watch.parts.Add(new Closing(metrics));
            var server = await HealthServer.StartAsync(address, health, () => RunnerPages.Join(metrics.Read(), runners), cancellation).ConfigureAwait(false);
            watch.parts.Add(server);
            watch.Address = server.Address;
            return watch;
        }
        catch
        {
            await watch.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends what was begun last first; what is still to be sent is sent, for a few seconds at the most.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = parts.Count - 1; i >= 0; i--) await parts[i].DisposeAsync().ConfigureAwait(false);
        parts.Clear();
    }

    private sealed class Closing(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
