using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire;

public sealed class JobResultCodecTests
{
    [Fact]
    public void A_result_survives_being_written_and_read()
    {
        var bytes = JobResultCodec.Encode(Samples.FullResult);
        var result = JobResultCodec.Decode(bytes);

        Assert.Equal(bytes.ToArray(), JobResultCodec.Encode(result).ToArray());
        Assert.Equal(("hw3.student-17", 4, "grader-1"), (result.JobId, result.Attempt, result.Agent));
        var (report, sent) = (result.Report, Samples.FullResult.Report);
        Assert.Equal((sent.Outcome, sent.Message, sent.Field, sent.ImageDigest), (report.Outcome, report.Message, report.Field, report.ImageDigest));
        Assert.Equal(sent.Timings, report.Timings);
        Assert.Equal((null, 0), (report.Steps[0].Signal, report.Steps[0].ExitCode));
        var (step, ran) = (report.Steps[1], sent.Steps[1]);
        Assert.Equal((ran.Usage, ran.Evidence, ran.Signal, ran.ExitCode, ran.Outcome), (step.Usage, step.Evidence, step.Signal, step.ExitCode, step.Outcome));
        Assert.Equal(ran.Stdout.ToArray(), step.Stdout.ToArray());
        Assert.Equal("error"u8.ToArray(), step.Stderr.ToArray());
        Assert.Equal(new byte[] { 7, 8 }, report.Outputs[0].Content.ToArray());
        var (output, saved) = (report.Outputs[0], sent.Outputs[0]);
        Assert.Equal((saved.Path, saved.Status, saved.Size, true), (output.Path, output.Status, output.Size, output.Truncated));
        Assert.Equal(saved.Sha256.ToArray(), output.Sha256.ToArray());
        Assert.Equal(saved.RawPath.ToArray(), output.RawPath.ToArray());
        Assert.Equal((OutputStatus.Missing, 0, 0), (report.Outputs[1].Status, report.Outputs[1].Sha256.Length, report.Outputs[1].RawPath.Length));
        Assert.True(report.OutputsTruncated);
    }

    [Theory]
    [InlineData(Outcome.Ok, "None")]
    [InlineData(Outcome.DiskLimit, "Student")]
    [InlineData(Outcome.ImageUnavailable, "Teacher")]
    [InlineData(Outcome.InternalError, "Infra")]
    public void The_blame_is_said_beside_the_outcome(Outcome outcome, string blame)
    {
        var reader = new MessagePackReader(JobResultCodec.Encode(new JobResult("a", 1, "b", new RunReport { Outcome = outcome })).Span);
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            if (reader.ReadString() == "blame") Assert.Equal(blame, reader.ReadString());
            else reader.Skip();
        }
    }

    [Fact]
    public void What_a_newer_agent_knows_besides_is_passed_over()
    {
        var result = JobResultCodec.Decode(Pack.Map(
            ("v", 1),
            ("job_id", ""),
            ("outcome", "Ok"),
            ("cost", 3),
            ("timings", new[] { Pack.M(("stage", "Teleport"), ("us", 1)), Pack.M(("stage", "Wait"), ("us", 2)) }),
            ("steps", new[] { Pack.M(("outcome", "Ok"), ("flags", new[] { "Idle", "Sleepy" })) })));
        Assert.Equal(Engine.Stage.Wait, Assert.Single(result.Report.Timings).Stage);
        Assert.Equal(EvidenceFlags.Idle, result.Report.Steps[0].Evidence.Flags);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    public void A_hash_of_another_length_is_refused(int length)
    {
        var output = Pack.M(("path", "/a"), ("status", "Returned"), ("sha256", new byte[length]));
        var refusal = Assert.Throws<WireException>(() => JobResultCodec.Decode(Pack.Map(("v", 1), ("job_id", "a"), ("outcome", "Ok"), ("outputs", new[] { output }))));
        Assert.Equal("outputs[0].sha256", refusal.Field);
    }

    [Theory]
    [InlineData("Fine")]
    [InlineData("0")]
    [InlineData("ok")]
    [InlineData("Ok,Signalled")]
    public void An_outcome_is_known_by_its_name_alone(string outcome)
    {
        var refusal = Assert.Throws<WireException>(() => JobResultCodec.Decode(Pack.Map(("v", 1), ("job_id", "a"), ("outcome", outcome))));
        Assert.Equal("outcome", refusal.Field);
    }
}
