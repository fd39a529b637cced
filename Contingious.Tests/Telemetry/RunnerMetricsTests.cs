using Contingious.Agent.Telemetry;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Telemetry;

public sealed class RunnerMetricsTests
{
    private const string Own = "# HELP a_total A\n# TYPE a_total counter\na_total{x=\"{ }\"} 1\n# HELP c C\n# TYPE c gauge\nc 5\n";

    [Fact]
    public void Pages_of_runners_that_live_are_put_to_the_agent_s_own_each_instrument_once()
    {
        using var scratch = new ScratchDirectory();
        File.WriteAllText(scratch[$"{Environment.ProcessId}.prom"], "# HELP a_total A\n# TYPE a_total counter\na_total{x=\"{ }\"} 2\n# HELP b B\n# TYPE b gauge\nb 3\n");
        File.WriteAllText(scratch["0.prom"], "# HELP d D\n# TYPE d gauge\nd 4\n");
        var page = PrometheusPage.Parse(RunnerPages.Join(Own, scratch.Root));
        var runner = ("runner", $"{Environment.ProcessId}");
        Assert.Equal([1.0, 2], page.Samples.Where(sample => sample.Name == "a_total").Select(sample => sample.Value));
        Assert.Equal((2, 3, 5), (page.Value("a_total", runner, ("x", "{ }")), page.Value("b", runner), page.Value("c")));
        Assert.DoesNotContain(page.Samples, sample => sample.Name == "d");
    }

    [Fact]
    public async Task However_many_runners_were_killed_one_that_lives_is_shown_and_removes_what_they_left()
    {
        using var scratch = new ScratchDirectory();
        for (var i = 0; i < 40; i++) File.WriteAllText(scratch[$"000{i}.prom"], "# HELP d D\n# TYPE d gauge\nd 4\n");
        File.WriteAllText(scratch["0001.prom.new"], "half");
        File.WriteAllText(scratch[$"{Environment.ProcessId}.prom"], "# HELP b B\n# TYPE b gauge\nb 3\n");
        Assert.Equal(3, PrometheusPage.Parse(RunnerPages.Join(Own, scratch.Root)).Value("b", ("runner", $"{Environment.ProcessId}")));
        await using var metrics = RunnerMetrics.Start(scratch.Root, TimeProvider.System);
        Assert.Equal([scratch[$"{Environment.ProcessId}.prom"]], Directory.EnumerateFileSystemEntries(scratch.Root));
    }

    [Fact]
    public void Without_runners_the_page_is_the_agent_s_own() => Assert.Equal(Own, RunnerPages.Join(Own, "/nowhere"));

    [Fact]
    public async Task A_runner_s_file_is_there_while_it_runs_and_holds_what_the_engine_counted()
    {
        using var scratch = new ScratchDirectory();
        await using (var metrics = RunnerMetrics.Start(scratch["metrics"], TimeProvider.System))
        {
            Engine.Telemetry.Cloned(4096);
            metrics.Write();
            var page = PrometheusPage.Parse(RunnerPages.Join("", scratch["metrics"]));
            Assert.True(page.Value("contingious_sandbox_cloned_bytes_total", ("runner", $"{Environment.ProcessId}")) >= 4096);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["metrics"]));
    }
}
