using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire;

public sealed class JobCodecTests
{
    [Fact]
    public void A_job_survives_being_written_and_read()
    {
        var bytes = JobCodec.Encode(Samples.FullJob);
        var job = JobCodec.Decode(bytes);

        Assert.Equal(bytes.ToArray(), JobCodec.Encode(job).ToArray());
        Assert.Equal(Samples.FullJob.JobId, job.JobId);
        Assert.Equal(4, job.Attempt);
        Assert.Equal(Samples.FullJob.Request.Id, job.Request.Id);
        Assert.Equal("gcc:13", job.Request.Image);
        Assert.Equal(Samples.FullJob.Request.Limits, job.Request.Limits);
        Assert.Equal(Samples.FullJob.Request.Outputs, job.Request.Outputs);
        Assert.Equal(Samples.FullJob.Request.OutputLimits, job.Request.OutputLimits);
        var (file, sent) = (job.Request.Files[1], Samples.FullJob.Request.Files[1]);
        Assert.Equal((sent.Path, sent.Executable, 300), (file.Path, file.Executable, file.Content.Length));
        var (step, asked) = (job.Request.Steps[1], Samples.FullJob.Request.Steps[1]);
        Assert.Equal(asked.Args, step.Args);
        Assert.Equal(asked.Env, step.Env);
        Assert.Equal((asked.Name, asked.WorkingDirectory, asked.User, asked.Limits), (step.Name, step.WorkingDirectory, step.User, step.Limits));
        Assert.Equal(asked.Stdin.ToArray(), step.Stdin.ToArray());
        Assert.Equal(asked.Files[0].Path, step.Files[0].Path);
    }

    [Fact]
    public void What_a_sender_leaves_out_has_its_documented_default()
    {
        var job = Decode(Samples.SmallJob.With("steps", new[] { Pack.M() }));

        Assert.Equal(1, job.Attempt);
        Assert.Equal("ctg-job-1-1", job.Request.Id.Value);
        Assert.Equal(Limits.Default, job.Request.Limits);
        Assert.Empty(job.Request.Files);
        Assert.Empty(job.Request.Outputs);
        Assert.Equal(OutputLimits.Default, job.Request.OutputLimits);
        var step = Assert.Single(job.Request.Steps);
        Assert.Equal("step-1", step.Name);
        Assert.Empty(step.Args);
        Assert.Empty(step.Env);
        Assert.Null(step.WorkingDirectory);
        Assert.Null(step.User);
        Assert.Equal(0, step.Stdin.Length);
        Assert.Equal(Limits.Default, step.Limits);
    }

    [Fact]
    public void What_the_kernel_takes_as_bytes_need_not_be_UTF8()
    {
        byte[] strange = [(byte)'/', 0xff, (byte)'\'', (byte)'\n', 0xc3];
        const string text = "/\udcff'\n\udcc3";
        var sent = Samples.JobOfStep(("args", new object[] { "printf", strange }), ("env", Pack.M(("V", strange))), ("cwd", strange), ("files", new[] { Pack.M(("path", strange), ("content", "x"u8.ToArray())) }))
            .With("outputs", new object[] { strange });
        foreach (var job in new[] { Decode(sent), JobCodec.Decode(JobCodec.Encode(Decode(sent))) })
        {
            var step = job.Request.Steps[0];
            Assert.Equal(["printf", text], step.Args);
            Assert.Equal((text, text, text, text), (step.Env["V"], step.WorkingDirectory, step.Files[0].Path, job.Request.Outputs[0]));
        }
    }

    [Fact]
    public void Nil_is_the_same_as_leaving_out()
    {
        var job = Decode(Samples.JobOfStep(("cwd", null), ("user", null), ("limits", null), ("stdin", null)).With("outputs", null).With("attempt", null));
        Assert.Null(job.Request.Steps[0].WorkingDirectory);
        Assert.Equal(1, job.Attempt);
    }

    [Fact]
    public void Unknown_keys_are_ignored_whatever_they_hold()
    {
        var job = Decode(Samples.SmallJob.With("priority", Pack.M((1, new object?[] { null, 2.5, new byte[3] }))).With("trace", "x"));
        Assert.Equal("job-1", job.JobId);
    }

    [Fact]
    public void Bytes_may_be_sent_as_text()
    {
        var job = Decode(Samples.JobOfStep(("stdin", "grüße")));
        Assert.Equal("grüße"u8.ToArray(), job.Request.Steps[0].Stdin.ToArray());
    }

    [Fact]
    public void The_wall_time_is_three_times_the_CPU_time_up_to_the_longest()
    {
        Assert.Equal(TimeSpan.FromSeconds(6), Decode(Samples.SmallJob.With("limits", Pack.M(("cpu_time_ms", 2_000)))).Request.Limits.WallTime);
        Assert.Equal(TimeSpan.FromSeconds(1_200), Decode(Samples.SmallJob.With("limits", Pack.M(("cpu_time_ms", 900_000)))).Request.Limits.WallTime);
    }

    [Fact]
    public void A_step_has_its_own_limits_over_those_of_the_job_wherever_those_come_in_the_message()
    {
        var step = Samples.Step(("limits", Pack.M(("cpu_time_ms", 3_000), ("cpus", 2))));
        var limits = Pack.M(("cpu_time_ms", 5_000), ("wall_time_ms", 7_000), ("cpus", 4), ("processes", 9));
        var job = Decode(Samples.SmallJob.With("steps", new[] { step, Pack.M() }).With("limits", limits));

        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(7), 2.0, 9), Summary(job.Request.Steps[0].Limits));
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(7), 4.0, 9), Summary(job.Request.Steps[1].Limits));

        static (TimeSpan Cpu, TimeSpan Wall, double Cpus, int Processes) Summary(Limits x) => (x.CpuTime, x.WallTime, x.Cpus, x.Processes);
    }

    [Fact]
    public void A_content_is_a_part_of_the_message_and_not_a_copy()
    {
        var message = Samples.JobOfStep(("stdin", new byte[8 << 20]));
        var bytes = Pack.Value(message);
        _ = JobCodec.Decode(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = JobCodec.Decode(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void Of_the_limits_on_outputs_each_has_its_own_default()
    {
        var limits = Decode(Samples.SmallJob.With("output_limits", Pack.M(("files", 0), ("newer", true)))).Request.OutputLimits;
        Assert.Equal(OutputLimits.Default with { Files = 0 }, limits);
    }

    [Theory]
    [InlineData("file_bytes", (10 << 20) + 1)]
    [InlineData("total_bytes", (12 << 20) + 1)]
    [InlineData("files", 1_001)]
    [InlineData("depth", 65)]
    [InlineData("depth", -1)]
    public void A_limit_on_outputs_above_the_most_is_refused_by_its_name(string key, int value)
    {
        var refusal = Assert.Throws<WireException>(() => Decode(Samples.SmallJob.With("output_limits", Pack.M((key, value)))));
        Assert.Equal($"output_limits.{key}", refusal.Field);
    }

    private static Job Decode(Pack.Entries entries) => JobCodec.Decode(Pack.Value(entries));
}
