using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Agent.Work.Inginious;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Tests.Support;
using Contingious.Tests.Wire.Fuzzing;

namespace Contingious.Tests.Work.Inginious;

public sealed class InginiousVerdictTests
{
    private const string Passed = """{"result":"success","text":"Well done.","grade":83.456,"problems":{"q1":["success","ok"],"q-2":"text"},"tests":{"t*":1},"custom":{"any":{"deep":[1,2.5,null,true]}},"state":"s2"}""";

    private readonly InginiousJob job = InginiousJobCodec.Decode(FuzzSeeds.InginiousJob("BackendNewJob"));

    private static readonly Outcome[] graded = [Outcome.Ok, Outcome.NonZeroExit, Outcome.Signalled];

    private static readonly Dictionary<Outcome, InginiousCode> codes = new()
    {
        [Outcome.CpuTimeLimit] = InginiousCode.Timeout,
        [Outcome.WallTimeLimit] = InginiousCode.Timeout,
        [Outcome.MemoryLimit] = InginiousCode.Overflow,
        [Outcome.DiskLimit] = InginiousCode.Overflow,
        [Outcome.OutputLimit] = InginiousCode.Overflow,
        [Outcome.Cancelled] = InginiousCode.Killed,
    };

    /// <summary>Every outcome that there is: what is not named is nobody's work and a crash.</summary>
    public static TheoryData<Outcome, InginiousCode> Fates =>
        new(Enum.GetValues<Outcome>().Except(graded).Select(outcome => (outcome, codes.GetValueOrDefault(outcome, InginiousCode.Crash))));

    [Theory]
    [MemberData(nameof(Fates))]
    public void Who_was_stopped_has_the_code_for_it_and_no_grade_whatever_the_grader_wrote(Outcome outcome, InginiousCode code)
    {
        var result = InginiousVerdict.Of(job, Report(Passed, outcome));
        Assert.Equal((code, 0.0, "{\"n\":1}", null, null), (result.Code, result.Grade, result.State, result.Stdout, result.Archive));
        Assert.Equal(code == InginiousCode.Crash, result.Text.Length > 0);
    }

    [Theory]
    [InlineData(Outcome.Ok)]
    [InlineData(Outcome.NonZeroExit)]
    [InlineData(Outcome.Signalled)]
    public void A_grader_that_gave_feedback_is_believed_however_it_ended(Outcome outcome)
    {
        var result = InginiousVerdict.Of(job, Report(Passed, outcome));
        Assert.Equal((InginiousCode.Success, "Well done.", 83.46, "s2"), (result.Code, result.Text, result.Grade, result.State));
    }

    [Theory]
    [InlineData("""{"result":"success"}""", InginiousCode.Success, 100)]
    [InlineData("""{"result":"failed"}""", InginiousCode.Failed, 0)]
    [InlineData("""{"result":"failed","grade":50}""", InginiousCode.Failed, 50)]
    [InlineData("""{"grade":12.5}""", InginiousCode.Error, 12.5)]
    public void A_missing_grade_is_all_for_a_success_and_nothing_otherwise(string feedback, InginiousCode code, double grade)
    {
        var result = InginiousVerdict.Of(job, Report(feedback));
        Assert.Equal((code, grade), (result.Code, result.Grade));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"result":"great"}""")]
    [InlineData("""{"result":1}""")]
    [InlineData("""{"grade":"all"}""")]
    [InlineData("""{"grade":1e999}""")]
    [InlineData("""{"problems":{"a b":"x"}}""")]
    [InlineData("""{"problems":{"a*":"x"}}""")]
    [InlineData("""{"problems":{"a":{}}}""")]
    [InlineData("""{"tests":[]}""")]
    [InlineData("""{"other":1}""")]
    [InlineData("""{"text":"\ud800"}""")]
    [InlineData("""{"custom":{"a":{"b":["\udc00"]}}}""")]
    [InlineData("""{"custom":{"a":{"\ud800":1}}}""")]
    [InlineData("""{"problems":{"q1":["success","\ud800x"]}}""")]
    [InlineData("""{"tests":{"t":"\ud800"}}""")]
    [InlineData("""{"archive":"\ud800"}""")]
    [InlineData("""{"custom":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""")]
    public void Feedback_that_is_none_is_a_crash_as_INGInious_has_it(string feedback)
    {
        var result = InginiousVerdict.Of(job, Report(feedback));
        Assert.Equal((InginiousCode.Crash, 0.0), (result.Code, result.Grade));
        Assert.StartsWith("The grader did not return a readable output", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Feedback_with_bytes_that_are_no_text_is_a_crash_and_no_fault_of_ours()
    {
        var report = Report("{}");
        byte[] feedback = [.. """{"custom":{"a":[" """u8[..^1], 0xff, .. "\"]}}"u8];
        var result = InginiousVerdict.Of(job, report with { Outputs = [OutputFile.Returned("/.__output/__feedback.json", feedback.Length, feedback)] });
        Assert.Equal((InginiousCode.Crash, "The grader did not return a readable output: it is not valid JSON."), (result.Code, result.Text));
        _ = InginiousResultCodec.Encode(result);
    }

    [Fact]
    public void A_grader_that_says_nothing_is_the_tasks_error()
    {
        Assert.Equal(InginiousCode.Error, InginiousVerdict.Of(job, Report("")).Code);
        var report = Report("", Outcome.NonZeroExit) with { Outputs = [] };
        var result = InginiousVerdict.Of(job, report);
        Assert.Equal(InginiousCode.Error, result.Code);
        Assert.Contains(report.Message, result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_graders_own_output_is_there_for_debugging_only()
    {
        Assert.Null(InginiousVerdict.Of(job, Report(Passed)).Stdout);
        var debugged = InginiousVerdict.Of(job with { Debug = InginiousDebug.On }, Report(Passed));
        Assert.Equal(("out\uFFFD", "err"), (debugged.Stdout, debugged.Stderr));
    }

    [Fact]
    public void What_is_in_the_archive_directory_comes_back_as_one_packed_archive()
    {
        var report = Report(Passed);
        report = report with { Outputs = [.. report.Outputs, OutputFile.Returned("/archive/a/b", 3, "abc"u8.ToArray()), new OutputFile("/archive/link", OutputStatus.NotRegular, 0, default)] };
        using var gzip = new GZipStream(new MemoryStream(InginiousVerdict.Of(job, report).Archive!.Value.ToArray()), CompressionMode.Decompress);
        using var tar = new TarReader(gzip);
        var entry = tar.GetNextEntry();
        Assert.Equal("a/b", entry?.Name);
        Assert.Null(tar.GetNextEntry());
    }

    [Fact]
    public async Task INGInious_reads_the_answer()
    {
        var python = "/usr/bin/python3";
        Prerequisite.Require(File.Exists(python), python);
        // As its messages.load() does: every field of the class, and no other.
        const string script = """
            import msgpack, sys, json
            m = msgpack.loads(sys.stdin.buffer.read(), use_list=False, strict_map_key=False)
            fields = {"@type", "job_id", "result", "grade", "problems", "tests", "custom", "state", "archive", "stdout", "stderr"}
            assert set(m) == fields, m
            assert m["@type"] == "AgentJobDone" and isinstance(m["grade"], float) and isinstance(m["result"], tuple)
            assert m["archive"] is None or isinstance(m["archive"], bytes)
            json.dump([m["result"], m["grade"], m["problems"], m["tests"], m["custom"], m["state"]], sys.stdout)
            """;
        var answer = InginiousResultCodec.Encode(InginiousVerdict.Of(job, Report(Passed)));
        var read = await ProgramRunner.RequireAsync(new ProgramRequest(python, "-c", script) { Stdin = answer }, TestContext.Current.CancellationToken);
        using var json = JsonDocument.Parse(read.Stdout);
        Assert.Equal("""[["success", "Well done."], 83.46, {"q1": ["success", "ok"], "q-2": "text"}, {"t*": 1}, {"any": {"deep": [1, 2.5, null, true]}}, "s2"]""", read.StdoutText);
        _ = InginiousResultCodec.Encode(InginiousVerdict.Refused("j", "no"));
    }

    private static RunReport Report(string feedback, Outcome outcome = Outcome.Ok) => new()
    {
        Outcome = outcome,
        Message = "What happened.",
        Steps = [new StepReport { Name = "grade", Outcome = outcome, Stdout = new byte[] { 0x6f, 0x75, 0x74, 0xff }, Stderr = "err"u8.ToArray() }],
        Outputs = [OutputFile.Returned("/.__output/__feedback.json", Encoding.UTF8.GetByteCount(feedback), Encoding.UTF8.GetBytes(feedback))],
    };
}
