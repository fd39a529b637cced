using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire;

/// <summary>A job and a result with every value set to something else than its default.</summary>
internal static class Samples
{
    public static Job FullJob { get; } = new("hw3.student-17", 4, new RunRequest
    {
        Id = SandboxId.For("hw3.student-17", 4),
        Image = "gcc:13",
        Files = [new InputFile("main.c", "int main;"u8.ToArray()), new InputFile("/grade/run", new byte[300], Executable: true)],
        Outputs = ["out/**", "/tmp/*.txt"],
        OutputLimits = new OutputLimits { FileBytes = new ByteSize(1_000), TotalBytes = new ByteSize(2_000), Files = 3, Depth = 4 },
        Limits = JobLimits,
        Root = true,
        Network = NetworkMode.Internet,
        Mounts = [new HostMount("/srv/data", "/data"), new HostMount("/srv/out", "/out", Writable: true)],
        Steps =
        [
            new StepRequest { Name = "build", Args = ["gcc", "-o", "main", "main.c", "ünï\n"], Limits = JobLimits },
            new StepRequest
            {
                Name = "test",
                Args = ["./main"],
                Env = new Dictionary<string, string> { ["LANG"] = "C.UTF-8", ["EMPTY"] = "" },
                WorkingDirectory = "/grade",
                User = "1000:1000",
                Image = "checker:2",
                When = StepCondition.Always,
                Fresh = true,
                Stdin = new byte[] { 0, 1, 0xff },
                Files = [new InputFile("a/b", new byte[] { 1 })],
                Limits = JobLimits with { CpuTime = TimeSpan.FromSeconds(1), WallTime = TimeSpan.FromSeconds(2), Cpus = 0.5 },
            },
        ],
    });

    public static JobResult FullResult { get; } = new("hw3.student-17", 4, "grader-1", new RunReport
    {
        Outcome = Outcome.MemoryLimit,
        Message = "Step 'test' used more memory than its 256 MiB.",
        Field = "steps[1]",
        ImageDigest = "sha256:" + new string('a', 64),
        Steps =
        [
            new StepReport { Name = "build", Outcome = Outcome.Ok, ExitCode = 0 },
            new StepReport
            {
                Name = "test",
                Outcome = Outcome.MemoryLimit,
                Message = "m",
                Field = "steps[1].cwd",
                Signal = 9,
                Stdout = new byte[] { 1, 2, 0xff },
                Stderr = "error"u8.ToArray(),
                Usage = new Usage
                {
                    CpuTime = TimeSpan.FromMicroseconds(1_234_567),
                    WallTime = TimeSpan.FromMicroseconds(2_345_678),
                    PeakMemory = ByteSize.FromMiB(256),
                    PeakProcesses = 3,
                    Stalled = new StallTimes(TimeSpan.FromMicroseconds(7), TimeSpan.FromMicroseconds(8), TimeSpan.FromMicroseconds(9)),
                    DiskWritten = ByteSize.FromKiB(12),
                    StdoutBytes = 5_000_000_000,
                    StderrBytes = 5,
                },
                Evidence = new Evidence
                {
                    Flags = EvidenceFlags.OomKilled | EvidenceFlags.StdoutTruncated | EvidenceFlags.Ambiguous,
                    OomKills = 1,
                    ForksRefused = 2,
                    DiskUsedBytes = 4096,
                    DiskBackend = DiskBackend.Watched,
                    MemoryInFilesBytes = 8192,
                    StoppedFor = Outcome.MemoryLimit,
                },
            },
        ],
        Outputs =
        [
            OutputFile.Returned("/grade/out/a", 3, new byte[] { 7, 8 }) with { RawPath = new byte[] { 0x2f, 0xff } },
            new OutputFile("/tmp/*.txt", OutputStatus.Missing, 0, default),
        ],
        OutputsTruncated = true,
        Timings = [new StageTiming(Stage.LeaseImage, TimeSpan.FromMicroseconds(12)), new StageTiming(Stage.Wait, TimeSpan.FromMicroseconds(2_000_000))],
    });

    public static Pack.Entries SmallJob { get; } = Pack.M(("v", 1), ("job_id", "job-1"), ("image", "alpine"), ("steps", new[] { Step(("args", new[] { "true" })) }));

    private static Limits JobLimits => new()
    {
        CpuTime = TimeSpan.FromMilliseconds(5_001),
        WallTime = TimeSpan.FromMilliseconds(6_002),
        Memory = ByteSize.FromMiB(512),
        Processes = 65,
        Cpus = 1.5,
        Disk = ByteSize.FromMiB(3),
        Inodes = 77,
        FileSize = ByteSize.FromMiB(4),
        OpenFiles = 99,
        Stdout = new ByteSize(1234),
        Stderr = new ByteSize(4321),
        Stack = ByteSize.FromMiB(8),
        ProducedOutput = ByteSize.FromGiB(3),
    };

    public static Pack.Entries Step(params (object? Key, object? Value)[] entries) => new(entries);

    /// <summary>A small job whose only step has these entries.</summary>
    public static Pack.Entries JobOfStep(params (object? Key, object? Value)[] entries) => SmallJob.With("steps", new[] { Step(entries) });
}
