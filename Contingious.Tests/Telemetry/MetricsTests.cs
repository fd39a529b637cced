using System.Diagnostics.Metrics;
using Contingious.Agent.Telemetry;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Wire;

namespace Contingious.Tests.Telemetry;

public sealed class MetricsTests
{
    private readonly string name = $"test-{Guid.NewGuid():N}";

    [Fact]
    public void Every_kind_of_instrument_is_written_as_Prometheus_reads_it()
    {
        using var meter = new Meter(name);
        using var reader = new MetricsReader(name);
        var counter = meter.CreateCounter<long>("a.counter", "By", "Bytes\nof \\ it");
        var histogram = meter.CreateHistogram("a.wait", "s", "How long", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        meter.CreateObservableGauge("a.gauge", () => new Measurement<double>(-1.5, new KeyValuePair<string, object?>("k", true)), "{thing}", "Now");
        meter.CreateObservableUpDownCounter("a.free", () => 7, "By", "Left");
        counter.Add(3, new KeyValuePair<string, object?>("who", "a \"b\" \\ c\nd"), new KeyValuePair<string, object?>("1st-tag", null));
        counter.Add(4, new KeyValuePair<string, object?>("1st-tag", null), new KeyValuePair<string, object?>("who", "a \"b\" \\ c\nd"));
        foreach (var seconds in new[] { 0.1, 0.5, 0.7, 99 }) histogram.Record(seconds);

        var page = PrometheusPage.Parse(reader.Read());
        Assert.Equal(7, page.Value("a_counter_bytes_total", ("who", "a \"b\" \\ c\nd"), ("_1st_tag", "")));
        Assert.Equal(-1.5, page.Value("a_gauge", ("k", "true")));
        Assert.Equal(7, page.Value("a_free_bytes"));
        Assert.Equal([2.0, 3, 4], new[] { "0.5", "1", "+Inf" }.Select(bound => page.Value("a_wait_seconds_bucket", ("le", bound))));
        Assert.Equal((100.3, 4), (Math.Round(page.Value("a_wait_seconds_sum"), 6), page.Value("a_wait_seconds_count")));
        Assert.Equal(("counter", "gauge", "histogram"), (page.Types["a_counter_bytes_total"], page.Types["a_free_bytes"], page.Types["a_wait_seconds"]));
    }

    [Fact]
    public void What_is_observed_is_what_is_so_now_and_what_is_over_is_not_told()
    {
        var state = "ready";
        using var reader = new MetricsReader(name);
        var meter = new Meter(name);
        meter.CreateObservableGauge("state", () => new Measurement<int>(1, new KeyValuePair<string, object?>("state", state)));
        Assert.Equal(1, PrometheusPage.Parse(reader.Read()).Value("state", ("state", "ready")));
        state = "draining";
        Assert.Equal(1, PrometheusPage.Parse(reader.Read()).Value("state"));
        meter.Dispose();
        Assert.Equal("", reader.Read());
    }

    [Fact]
    public void A_tag_with_ever_new_values_does_not_fill_the_memory()
    {
        using var meter = new Meter(name);
        using var reader = new MetricsReader(name);
        var counter = meter.CreateCounter<long>("many");
        for (var i = 0; i < MetricFamily.MostSeries + 50; i++) counter.Add(1, new KeyValuePair<string, object?>("i", i));
        var page = PrometheusPage.Parse(reader.Read());
        Assert.Equal(50, page.Value("many_total", ("otel_metric_overflow", "true")));
        Assert.Equal(MetricFamily.MostSeries + 1, page.Samples.Count);
    }

    [Fact]
    public void Measuring_from_many_threads_loses_nothing()
    {
        using var meter = new Meter(name);
        using var reader = new MetricsReader(name);
        var counter = meter.CreateCounter<long>("hits");
        Parallel.For(0, 8, thread =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("thread", thread % 3));
                if (i % 1_000 == 0) _ = reader.Read();
            }
        });
        Assert.Equal(40_000, PrometheusPage.Parse(reader.Read()).Samples.Sum(sample => sample.Value));
    }

    [Fact]
    public void A_job_s_way_is_counted_by_class_outcome_and_blame_and_by_nothing_that_it_says()
    {
        using var reader = new MetricsReader(AgentTelemetry.Name);
        AgentTelemetry.Taken(JobClass.Replay, redelivered: true, TimeSpan.FromSeconds(-3));
        AgentTelemetry.Answered(JobClass.Replay, Outcome.AgentLost, TimeSpan.FromSeconds(2), repeated: true);
        AgentTelemetry.Refused(JobClass.Replay);
        AgentTelemetry.InfraFault();
        AgentTelemetry.Unpublished("test");
        AgentTelemetry.ConnectionLost();
        AgentTelemetry.Ran(JobResultCodec.Encode(Samples.FullResult));
        AgentTelemetry.Ran("no result"u8.ToArray());

        var page = PrometheusPage.Parse(reader.Read());
        (string, string) replay = ("contingious_job_class", "replay");
        Assert.Equal(1, page.Value("messaging_client_consumed_messages_total", replay, ("contingious_redelivered", "true"), ("messaging_system", "rabbitmq")));
        Assert.Equal(1, page.Value("contingious_jobs_answered_total", replay, ("contingious_outcome", "AgentLost"), ("contingious_blame", "Infra"), ("contingious_repeated", "true")));
        Assert.Equal(1, page.Value("messaging_process_duration_seconds_bucket", replay, ("contingious_repeated", "true"), ("le", "2.5")));
        Assert.Equal(0, page.Value("contingious_job_queue_duration_seconds_sum", replay));
        Assert.Equal(1, page.Value("contingious_jobs_refused_total", replay));
        Assert.Equal(1, page.Value("contingious_results_unpublished_total", ("error_type", "test")));
        Assert.True(page.Value("contingious_infra_faults_total") >= 1);
        Assert.True(page.Value("contingious_broker_connection_losses_total") >= 1);
        foreach (var timing in Samples.FullResult.Report.Timings) Assert.True(page.Value("contingious_job_stage_duration_seconds_count", ("contingious_stage", $"{timing.Stage}")) >= 1);
        Assert.DoesNotContain(Samples.FullResult.JobId, reader.Read(), StringComparison.Ordinal);
    }

    [Fact]
    public void Gauges_tell_the_state_and_what_is_free()
    {
        using var reader = new MetricsReader(AgentTelemetry.Name);
        using var gauges = new AgentGauges(() => new AgentSnapshot("quarantined", new Capacity(4, ByteSize.FromMiB(2), ByteSize.FromMiB(3), 5), new Capacity(1.5, ByteSize.FromMiB(1), default, 2), 3, 1));
        var page = PrometheusPage.Parse(reader.Read());
        Assert.Equal([0.0, 0, 0, 1], AgentSnapshot.States.Select(state => page.Value("contingious_agent_state", ("state", state))));
        Assert.Equal((4, 1.5), (page.Value("contingious_agent_cpu_limit"), page.Value("contingious_agent_cpu_free")));
        Assert.Equal((2 << 20, 1 << 20), (page.Value("contingious_agent_memory_limit_bytes"), page.Value("contingious_agent_memory_free_bytes")));
        Assert.Equal((3, 1), (page.Value("contingious_agent_jobs", ("state", "running")), page.Value("contingious_agent_jobs", ("state", "held"))));
        Assert.Equal((5, 2), (page.Value("contingious_agent_slots_limit"), page.Value("contingious_agent_slots_free")));
    }
}
