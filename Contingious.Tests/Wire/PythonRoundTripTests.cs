using Contingious.Agent.Wire;
using Contingious.Engine.Programs;
using Contingious.Tests.Support;

namespace Contingious.Tests.Wire;

/// <summary>Against an implementation that is not ours: Debian's python3-msgpack.</summary>
public sealed class PythonRoundTripTests
{
    private const string Python = "/usr/bin/python3";

    [Theory]
    [InlineData("use_bin_type=True")]
    [InlineData("use_bin_type=True, use_single_float=True")]
    public async Task A_job_that_python_reads_and_writes_stays_the_same(string options)
    {
        var sent = JobCodec.Encode(Samples.FullJob);
        var echoed = await RunAsync($"import msgpack,sys; sys.stdout.buffer.write(msgpack.packb(msgpack.unpackb(sys.stdin.buffer.read()), {options}))", sent);
        Assert.Equal(sent.ToArray(), JobCodec.Encode(JobCodec.Decode(echoed)).ToArray());
    }

    [Fact]
    public async Task A_result_that_python_reads_and_writes_stays_the_same()
    {
        var sent = JobResultCodec.Encode(Samples.FullResult);
        var echoed = await RunAsync("import msgpack,sys; sys.stdout.buffer.write(msgpack.packb(msgpack.unpackb(sys.stdin.buffer.read())))", sent);
        Assert.Equal(sent.ToArray(), JobResultCodec.Encode(JobResultCodec.Decode(echoed)).ToArray());
    }

    [Fact]
    public async Task A_job_written_by_hand_in_python_is_read()
    {
        const string script = """
            import msgpack, sys
            job = {"v": 1, "job_id": "py-1", "image": "alpine", "archives": None, "limits": {"memory_bytes": 1 << 29, "cpus": 2},
                   "steps": [{"args": ["sh", "-c", "cat"], "stdin": b"\x00\xff" * 40000, "env": {"A": "1"}, "user": None}],
                   "files": [{"path": "f%d" % i, "content": bytes(i)} for i in range(300)], "sent": 1.5}
            sys.stdout.buffer.write(msgpack.packb(job))
            """;
        var job = JobCodec.Decode(await RunAsync(script, default));
        Assert.Equal(("py-1", 300, 80_000, 2.0), (job.JobId, job.Request.Files.Count, job.Request.Steps[0].Stdin.Length, job.Request.Limits.Cpus));
    }

    [Fact]
    public async Task A_sender_of_the_old_format_without_bytes_is_understood()
    {
        const string script = """
            import msgpack, sys
            job = {"v": 1, "job_id": "old", "image": "alpine", "steps": [{"stdin": b"\xff\x00"}]}
            sys.stdout.buffer.write(msgpack.packb(job, use_bin_type=False))
            """;
        Assert.Equal(new byte[] { 0xff, 0 }, JobCodec.Decode(await RunAsync(script, default)).Request.Steps[0].Stdin.ToArray());
    }

    private static async Task<ReadOnlyMemory<byte>> RunAsync(string script, ReadOnlyMemory<byte> stdin)
    {
        Prerequisite.Require(File.Exists(Python), Python);
        var probe = await ProgramRunner.RunAsync(new ProgramRequest(Python, "-c", "import msgpack"), default);
        Prerequisite.Require(probe.ExitCode == 0, "python3-msgpack");
        return (await ProgramRunner.RequireAsync(new ProgramRequest(Python, "-c", script) { Stdin = stdin }, default)).Stdout;
    }
}
