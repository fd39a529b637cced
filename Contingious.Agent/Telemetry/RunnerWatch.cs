using Contingious.Agent.Configuration;

namespace Contingious.Agent.Telemetry;

/// <summary>What lets others see how a runner is: numbers for the agent's page, and what is sent by OTLP where that is asked for.</summary>
internal sealed class RunnerWatch : IAsyncDisposable
{
    private readonly RunnerMetrics metrics;
    private readonly TelemetryExport? export;

    private RunnerWatch(RunnerMetrics metrics, TelemetryExport? export)
    {
        this.metrics = metrics;
        this.export = export;
    }

    /// <param name="options">What the operator decided.</param>
    /// <param name="agent">The name of the runner's agent.</param>
    /// <param name="directory">Where the numbers are left for the agent.</param>
    /// <exception cref="Engine.ContingiousException">The file of headers cannot be read.</exception>
    public static RunnerWatch Start(TelemetryOptions options, string agent, string directory)
    {
        var export = TelemetryExport.Start(options, "contingious-runner", agent);
        return new RunnerWatch(RunnerMetrics.Start(directory, TimeProvider.System), export);
    }

    public async ValueTask DisposeAsync()
    {
        await metrics.DisposeAsync().ConfigureAwait(false);
        if (export is not null) await export.DisposeAsync().ConfigureAwait(false);
    }
}
