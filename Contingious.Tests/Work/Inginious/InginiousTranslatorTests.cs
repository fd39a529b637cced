using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Agent.Work.Inginious;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Wire.Fuzzing;

namespace Contingious.Tests.Work.Inginious;

public sealed class InginiousTranslatorTests
{
    private static readonly InginiousOptions options = new() { Images = new Dictionary<string, string> { ["docker/default"] = "inginious-default:4" } };

    private readonly InginiousJob job = InginiousJobCodec.Decode(FuzzSeeds.InginiousJob("BackendNewJob"));

    [Fact]
    public void A_job_becomes_one_step_that_our_own_wire_takes()
    {
        var translated = Translate(job);
        var request = JobCodec.Decode(JobCodec.Encode(translated)).Request;
        Assert.Equal("9b2fd0a1-6a0e-4f0e-8a71-0f0f6f6a0b11", translated.JobId);
        Assert.Equal(("inginious-default:4", NetworkMode.Internet), (request.Image, request.Network));
        var step = Assert.Single(request.Steps);
        Assert.Equal(["python3", "run.py", "--fast"], step.Args);
        Assert.Equal(("/task", "4242:4242"), (step.WorkingDirectory, step.User));
        Assert.Equal((20.0, 60.0, ByteSize.FromMiB(1024), ByteSize.FromMiB(1024)), (request.Limits.CpuTime.TotalSeconds, request.Limits.WallTime.TotalSeconds, request.Limits.Memory, request.Limits.Disk));
        Assert.Equal(["/.__output/__feedback.json", "/archive/**"], request.Outputs);
        Assert.Equal(["/task/run.py", "/.__input/__inputfile_0", "/.__input/__inputdata.json"], request.Files.Select(file => file.Path));
    }

    [Fact]
    public void The_grader_finds_what_INGInious_would_have_written()
    {
        var data = Translate(job).Request.Files.Single(file => file.Path == "/.__input/__inputdata.json");
        using var json = JsonDocument.Parse(data.Content);
        Assert.Equal("jdoe", json.RootElement.GetProperty("input").GetProperty("@username").GetString());
        Assert.Equal("/.__input/__inputfile_0", json.RootElement.GetProperty("input").GetProperty("q2").GetProperty("value").GetString());
        Assert.Equal(("start", false), (json.RootElement.GetProperty("type").GetString(), json.RootElement.GetProperty("debug").GetBoolean()));
    }

    [Theory]
    [InlineData("/task/run", "/task/run")]
    [InlineData("/task/run.py", "python3 /task/run.py")]
    [InlineData("/task/run.sh", "bash /task/run.sh")]
    [InlineData("/course/common/run.py", "python3 /course/common/run.py")]
    [InlineData("/task/other", "/task/run")]
    public void The_grader_is_looked_for_where_INGInious_looks(string file, string command)
    {
        var given = job with { Parameters = job.Parameters with { RunCommand = null } };
        Assert.Equal(command, string.Join(' ', new InginiousTranslator(options).Translate(given, [new InputFile(file, default)]).Request.Steps[0].Args));
    }

    [Theory]
    [InlineData(0, 20)]
    [InlineData(19, 20)]
    [InlineData(21, 21)]
    public void Memory_has_a_floor(long asked, long given) =>
        Assert.Equal(ByteSize.FromMiB(given), Translate(job with { Parameters = job.Parameters with { Memory = asked } }).Request.Limits.Memory);

    [Theory]
    [InlineData(7, 21)]
    [InlineData(400, 1_200)]
    [InlineData(1_200, 1_200)]
    public void Without_a_hard_time_it_is_three_times_the_time_or_what_is_allowed(long time, double wall) =>
        Assert.Equal(wall, Translate(job with { Parameters = job.Parameters with { Time = time, HardTime = 0 } }).Request.Limits.WallTime.TotalSeconds);

    [Fact]
    public void What_is_above_the_ceiling_unknown_or_by_ssh_is_refused_by_its_name()
    {
        Assert.Equal("environment_parameters.limits.memory", Refusal(job with { Parameters = job.Parameters with { Memory = 5_000 } }));
        Assert.Equal("environment_parameters.limits.hard_time", Refusal(job with { Parameters = job.Parameters with { HardTime = 1_201 } }));
        Assert.Equal("environment_parameters.limits.time", Refusal(job with { Parameters = job.Parameters with { Time = 0 } }));
        Assert.Equal("environment", Refusal(job with { Environment = "other" }));
        Assert.Equal("debug", Refusal(job with { Debug = InginiousDebug.Ssh }));
    }

    [Fact]
    public void An_id_that_is_none_of_ours_becomes_one_and_always_the_same()
    {
        var id = Translate(job with { JobId = "client 1/é" }).JobId;
        Assert.True(SandboxId.IsJobId(id));
        Assert.Equal(id, Translate(job with { JobId = "client 1/é" }).JobId);
        Assert.NotEqual(id, Translate(job with { JobId = "client 1/e" }).JobId);
    }

    private static Job Translate(InginiousJob job) => new InginiousTranslator(options).Translate(job, [new InputFile("/task/run.py", Encoding.UTF8.GetBytes("print()"))]);

    private static string Refusal(InginiousJob job) => Assert.Throws<RejectedRequestException>(() => Translate(job)).Field;
}
