using System.Globalization;
using Contingious.Agent.Configuration;
using Contingious.Agent.Work;
using Contingious.Engine;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// Sends spans and metrics of this process to a collector by OTLP, in the background. A collector that does not answer costs what is
/// not sent, and nothing else.
/// </summary>
internal sealed class TelemetryExport : IAsyncDisposable
{
    /// <summary>A stop waits no longer than this for what is still to be sent.</summary>
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private static readonly string[] standardVariables = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

    private readonly TracerProvider traces;
    private readonly MeterProvider metrics;

    private TelemetryExport(TracerProvider traces, MeterProvider metrics)
    {
        this.traces = traces;
        this.metrics = metrics;
    }

    /// <summary>Begins to send, where the configuration or the environment's standard variables name a collector.</summary>
    /// <param name="options">What the operator decided.</param>
    /// <param name="service">What this process is, as <c>service.name</c>: <c>contingious-agent</c>, <c>contingious-runner</c>.</param>
    /// <param name="instance">Which of them, as <c>service.instance.id</c>.</param>
    /// <returns>Nothing where nobody is to be told: then nothing of this is loaded.</returns>
    /// <exception cref="ContingiousException">The file of headers cannot be read, or is none.</exception>
    public static TelemetryExport? Start(TelemetryOptions options, string service, string instance)
    {
        var byEnvironment = Array.Exists(standardVariables, name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
        return options.OtlpEndpoint is null && !byEnvironment ? null : Begin(options, service, instance);
    }

    /// <summary>Sends what is left, for a few seconds at the most, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        // The library's own ways to end block, and wait for a collector that may be gone.
        var ending = Task.Run(() =>
        {
            var patience = (int)FlushTimeout.TotalMilliseconds;
            Parallel.Invoke(() => traces.Shutdown(patience), () => metrics.Shutdown(patience));
            traces.Dispose();
            metrics.Dispose();
        });
        await Task.WhenAny(ending, Task.Delay(FlushTimeout + TimeSpan.FromSeconds(1))).ConfigureAwait(false);
    }

    private static TelemetryExport Begin(TelemetryOptions options, string service, string instance)
    {
        var headers = options.OtlpEndpoint is not null && options.OtlpHeadersFile is { } file ? OtlpHeaders.Read(file) : [];
        var resource = ResourceBuilder.CreateEmpty()
            .AddService(service, serviceVersion: Version, autoGenerateServiceInstanceId: false, serviceInstanceId: instance)
            .AddAttributes([new KeyValuePair<string, object>("host.name", Environment.MachineName), new KeyValuePair<string, object>("process.pid", Environment.ProcessId)])
            .AddEnvironmentVariableDetector();
        var traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(AgentTelemetry.Name, Engine.Telemetry.Name)
            .AddOtlpExporter(exporter => Configure(exporter, "v1/traces"))
            .Build();
        var metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(AgentTelemetry.Name, Engine.Telemetry.Name)
            .AddOtlpExporter(exporter => Configure(exporter, "v1/metrics"))
            .Build();
        return new TelemetryExport(traces, metrics);

        void Configure(OtlpExporterOptions exporter, string signal)
        {
            if (options.OtlpEndpoint is not { } endpoint) return;
            var isGrpc = options.OtlpProtocol == OtlpProtocol.Grpc;
            exporter.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
            exporter.Endpoint = isGrpc ? endpoint : new Uri($"{endpoint.ToString().TrimEnd('/')}/{signal}");
            if (headers.Count == 0) return;
            // The library's own option for headers splits a value at its commas.
            exporter.HttpClientFactory = () =>
            {
                var client = new HttpClient { Timeout = TimeSpan.FromMilliseconds(exporter.TimeoutMilliseconds) };
                foreach (var (name, value) in headers) client.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
                return client;
            };
        }
    }

    private static string Version => typeof(TelemetryExport).Assembly.GetName().Version?.ToString(3) ?? "0";
}

/// <summary>Headers of requests to a collector, out of a file, for they may be secret.</summary>
internal static class OtlpHeaders
{
    /// <returns>Names and values.</returns>
    /// <exception cref="ContingiousException">The file cannot be read, or a line is no header. The message shows no value.</exception>
    public static IReadOnlyList<(string Name, string Value)> Read(string path)
    {
        try
        {
            return [.. File.ReadLines(path).Select((line, i) => (Text: line.Trim(), Number: i + 1)).Where(line => line.Text.Length > 0 && line.Text[0] != '#').Select(line => Header(line.Text, line.Number))];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ContingiousException($"The file of headers {path} (telemetry.otlp.headers_file) cannot be read: {error.Message}", error);
        }

        (string Name, string Value) Header(string line, int number)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var isHeader = colon > 0 && line[..colon].All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');
            if (!isHeader) throw new ContingiousException(string.Create(CultureInfo.InvariantCulture, $"Line {number} of the file of headers {path} (telemetry.otlp.headers_file) is none: write NAME: VALUE."));
            return (line[..colon], line[(colon + 1)..].Trim());
        }
    }
}
