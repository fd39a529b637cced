using Contingious.Agent.Wire;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>Right messages with as much in them as there can be.</summary>
internal static class FuzzSeeds
{
    public static byte[] Job { get; } = Pack.Value(
        Samples.SmallJob
            .With("attempt", 2)
            .With("start_before_ms", 1_900_000_000_000)
            .With("files", new[] { Pack.M(("path", "a"), ("content", new byte[] { 1, 2, 3 }), ("executable", true)) })
            .With("outputs", new[] { "*", "**/x" })
            .With("output_limits", Pack.M(("files", 3), ("total_bytes", 100)))
            .With("limits", Pack.M(("cpu_time_ms", 1_000), ("cpus", 2.5), ("memory_bytes", 1 << 28)))
            .With("mounts", new[] { Pack.M(("source", "/a"), ("target", "/b"), ("writable", false)) })
            .With("network", "none")
            .With("root", false)
            .With("unknown", new object?[] { 1, Pack.M(("a", null)) })
            .With("steps", new[] { Samples.Step(("name", "n"), ("args", new[] { "a", "b" }), ("env", Pack.M(("A", "B"), ("C", "D"))), ("stdin", "in"), ("cwd", "/w"), ("user", "0:0"), ("when", "always"), ("fresh", true), ("image", "i"), ("limits", Pack.M(("processes", 3)))) }));

    public static byte[] Anything { get; } = Pack.Value(new object?[]
    {
        null, true, 1, -1, -200, long.MaxValue, long.MinValue, 1.5, "text", new byte[] { 1, 2 }, new object?[] { 1, new object?[] { 2 } }, Pack.M(("a", Pack.M((1, 2)))),
    });

    public static JobResult Result { get; } = Samples.FullResult with
    {
        Report = Samples.FullResult.Report with
        {
            Outputs = [OutputFile.StoredAs("/big", 1 << 30, Digest.Of("x"u8), 1), .. Samples.FullResult.Report.Outputs],
        },
    };

    /// <summary>One of each kind.</summary>
    public static IReadOnlyList<JobEvent> Events { get; } =
    [
        new("a", 3, JobEventKind.Accepted, DateTimeOffset.UnixEpoch.AddSeconds(1_800_000_000)),
        new("a", 3, JobEventKind.Started, DateTimeOffset.UnixEpoch) { Step = "check" },
        new("a", 3, JobEventKind.Output, DateTimeOffset.UnixEpoch) { Step = "check", IsStderr = true, Data = new byte[] { 1, 2 } },
        new("a", 3, JobEventKind.Step, DateTimeOffset.UnixEpoch) { Step = "check", Outcome = Outcome.WallTimeLimit },
        new("a", 3, JobEventKind.Finished, DateTimeOffset.UnixEpoch) { Outcome = Outcome.Ok },
    ];

    public static byte[] Cancel(int? attempt) => ControlMessageCodec.Encode(new ControlMessage(ControlKind.Cancel, "job.1", attempt)).ToArray();

    public static byte[] ArchiveJob(bool packed)
    {
        var archive = Tar.Of(Tar.File("x/y", "content"), Tar.File("n", "more"));
        return Pack.Value(Samples.SmallJob.With("archives", new[] { Pack.M(("content", packed ? Tar.Gzip(archive) : archive), ("path", "sub")) }));
    }

    /// <summary>As INGInious's own dump() writes one.</summary>
    public static byte[] InginiousJob(string type)
    {
        var job = Pack.M(
            ("job_id", "9b2fd0a1-6a0e-4f0e-8a71-0f0f6f6a0b11"),
            ("course_id", "tutorial"),
            ("task_id", "02_run"),
            ("task_problems", Pack.M(("q1", Pack.M(("type", "code"), ("language", "python"))))),
            ("inputdata", Pack.M(
                ("q1", "print(1)\n"), ("q2", Pack.M(("filename", "a.zip"), ("value", new byte[] { 0x50, 0x4b, 3, 4 }))), ("@username", "jdoe"), ("@email", "jdoe@example.org"), ("@lang", "fr"),
                ("@time", "2026-03-01 12:00:00.000000"), ("@attempts", 3), ("@random", new object?[] { 0.25, 0.75 }), ("@state", "{\"n\":1}"), ("@settings", Pack.M(("n", null))))),
            ("environment_type", "docker"),
            ("environment", "default"),
            ("environment_parameters", Pack.M(("limits", Pack.M(("time", "20"), ("hard_time", 60), ("memory", 1024.0), ("disk", 1024))), ("network_grading", true), ("run_cmd", "python3 run.py --fast"))),
            ("debug", false));
        if (type == "ClientNewJob") job = job.With("priority", 0).With("launcher", "frontend");
        return Pack.Value(job.With("@type", type));
    }
}
