using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Tests.Wire.Fuzzing;

namespace Contingious.Tests.Wire;

public sealed class InginiousJobTests
{
    [Theory]
    [InlineData("BackendNewJob")]
    [InlineData("ClientNewJob")]
    public void A_job_of_the_backend_or_of_a_client_is_read(string type)
    {
        var job = InginiousJobCodec.Decode(FuzzSeeds.InginiousJob(type));
        Assert.Equal(("tutorial", "02_run", "docker", "default", "{\"n\":1}"), (job.CourseId, job.TaskId, job.EnvironmentType, job.Environment, job.State));
        Assert.Equal(new InginiousParameters { Time = 20, HardTime = 60, Memory = 1024, Disk = 1024, NetworkGrading = true, RunCommand = "python3 run.py --fast" }, job.Parameters);
        var file = Assert.Single(job.Files);
        Assert.Equal(("/.__input/__inputfile_0", "50-4B-03-04"), (file.Path, BitConverter.ToString(file.Content.ToArray())));
        using var input = JsonDocument.Parse(job.InputJson);
        Assert.Equal("print(1)\n", input.RootElement.GetProperty("q1").GetString());
        Assert.Equal(("a.zip", file.Path), (input.RootElement.GetProperty("q2").GetProperty("filename").GetString(), input.RootElement.GetProperty("q2").GetProperty("value").GetString()));
        Assert.Equal([0.25, 0.75], input.RootElement.GetProperty("@random").EnumerateArray().Select(item => item.GetDouble()));
    }

    [Theory]
    [InlineData("", 30, 0, 200)]
    [InlineData("time", 7, 0, 200)]
    [InlineData("hard_time", 30, 7, 200)]
    [InlineData("memory", 30, 0, 7)]
    public void What_is_not_given_is_as_the_agent_of_INGInious_has_it(string key, int time, int hardTime, int memory)
    {
        var limits = key.Length == 0 ? Pack.M() : Pack.M((key, 7));
        var parameters = Decode(Job().With("environment_parameters", Pack.M(("limits", limits), ("run_cmd", null)))).Parameters;
        Assert.Equal(new InginiousParameters { Time = time, HardTime = hardTime, Memory = memory }, parameters);
    }

    [Fact]
    public void A_job_without_a_task_has_nil_in_its_place_and_nothing_may_be_missing()
    {
        var job = Decode(Job().With("course_id", null).With("task_id", null).With("task_problems", null));
        Assert.Equal((null, null), (job.CourseId, job.TaskId));
        foreach (var field in new[] { "job_id", "course_id", "task_problems", "inputdata", "environment", "environment_parameters", "debug", "@type" })
        {
            Assert.Contains("missing", Assert.Throws<WireException>(() => Decode(Job().Without(field))).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("extra", 1, "means nothing")]
    [InlineData("priority", 1, "does not have")]
    [InlineData("@type", "AgentHello", "'AgentHello'")]
    [InlineData("debug", "yes", "'yes'")]
    [InlineData("inputdata", "text", "Expected a map")]
    public void What_INGInious_itself_would_refuse_is_refused(string key, object value, string reason) =>
        Assert.Contains(reason, Assert.Throws<WireException>(() => Decode(Job().With(key, value))).Message, StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_no_file_and_numbers_that_are_none_cannot_be_handed_on()
    {
        Assert.Equal("inputdata.'q'", Assert.Throws<WireException>(() => Decode(Job().With("inputdata", Pack.M(("q", new byte[3]))))).Field);
        Assert.Equal("inputdata.'q'[1]", Assert.Throws<WireException>(() => Decode(Job().With("inputdata", Pack.M(("q", new object?[] { 1.5, double.NaN }))))).Field);
        Assert.Equal("inputdata.'q'", Assert.Throws<WireException>(() => Decode(Job().With("inputdata", Pack.M(("q", Pack.M(("filename", "a"), ("value", 1))))))).Field[..13]);
    }

    [Fact]
    public void Large_numbers_other_languages_and_maps_of_numbers_survive()
    {
        var job = Decode(Job().With("inputdata", Pack.M(("q", Pack.M((1, long.MaxValue), (-2, "é\u0001\"")))))); // Python's json makes text of such keys too.
        Assert.Equal("""{"q":{"1":9223372036854775807,"-2":"é\u0001\""}}""", Encoding.UTF8.GetString(job.InputJson.Span));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2_000_000_000)]
    [InlineData("12s")]
    [InlineData(double.PositiveInfinity)]
    [InlineData(true)]
    public void A_limit_that_is_no_number_of_seconds_is_refused_by_its_name(object value) =>
        Assert.Equal("environment_parameters.limits.time", Assert.Throws<WireException>(() => Decode(Job().With("environment_parameters", Pack.M(("limits", Pack.M(("time", value))))))).Field);

    private static Pack.Entries Job() => Pack.M(
        ("job_id", "j"), ("course_id", "c"), ("task_id", "t"), ("task_problems", Pack.M()), ("inputdata", Pack.M()), ("environment_type", "docker"), ("environment", "default"),
        ("environment_parameters", Pack.M()), ("debug", false), ("@type", "BackendNewJob"));

    private static InginiousJob Decode(Pack.Entries job) => InginiousJobCodec.Decode(Pack.Value(job));
}
