using System.Diagnostics;
using Contingious.Agent.Configuration;
using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Telemetry;

public sealed class TelemetryExportTests
{
    [Fact]
    public void Where_no_collector_is_named_nothing_is_begun() => Assert.Null(TelemetryExport.Start(new TelemetryOptions(), "service", "one"));

    [Fact]
    public async Task A_collector_gets_spans_and_metrics_at_the_latest_when_the_process_ends()
    {
        await using var collector = new FakeCollector();
        using var scratch = new ScratchDirectory();
        await File.WriteAllTextAsync(scratch["headers"], "# for the collector\nAuthorization: Bearer to,ken=1\n");
        var options = new TelemetryOptions { OtlpEndpoint = collector.Endpoint, OtlpHeadersFile = scratch["headers"] };
        var export = TelemetryExport.Start(options, "contingious-agent", "grader-1");
        Assert.NotNull(export);
        var span = JobActivity.Start(null, new JobKey("job-of-the-export", 1, ""), JobClass.Exam, "queue-of-the-export");
        JobActivity.End(span, Outcome.Ok);
        AgentTelemetry.Taken(JobClass.Exam, redelivered: false);
        await export.DisposeAsync();

        Assert.Contains("process queue-of-the-export", collector.TextOf("/v1/traces"), StringComparison.Ordinal);
        Assert.Contains("job-of-the-export", collector.TextOf("/v1/traces"), StringComparison.Ordinal);
        Assert.Contains("messaging.client.consumed.messages", collector.TextOf("/v1/metrics"), StringComparison.Ordinal);
        Assert.Contains("grader-1", collector.TextOf("/v1/metrics"), StringComparison.Ordinal);
        Assert.All(collector.Requests, request => Assert.Equal(("application/x-protobuf", "Bearer to,ken=1"), (request.ContentType, request.Authorization)));
    }

    [Fact]
    public async Task A_collector_that_does_not_answer_does_not_hold_up_the_end()
    {
        using var deaf = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        deaf.Start();
        var export = TelemetryExport.Start(new TelemetryOptions { OtlpEndpoint = new Uri($"http://{deaf.LocalEndpoint}") }, "contingious-agent", "grader-1");
        Assert.NotNull(export);
        AgentTelemetry.Taken(JobClass.Exam, redelivered: false);
        await export.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("no header s3cret")]
    [InlineData(": s3cret")]
    [InlineData("two words: s3cret")]
    public void A_line_that_is_no_header_is_told_by_its_number_alone(string line)
    {
        using var scratch = new ScratchDirectory();
        File.WriteAllText(scratch["headers"], $"a: b\n{line}\n");
        var error = Assert.Throws<ContingiousException>(() => OtlpHeaders.Read(scratch["headers"]));
        Assert.StartsWith("Line 2 of", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_headers_that_is_not_there_is_told() =>
        Assert.Contains("telemetry.otlp.headers_file", Assert.Throws<ContingiousException>(() => OtlpHeaders.Read("/nowhere/headers")).Message, StringComparison.Ordinal);
}
